"""The screen: progress for those who watch, silence for those who do not."""

import io

import pytest
from rich.console import Console

from qmlmat.cli.screen import ProgressLine, Screen, _time
from qmlmat.surfaces import ScanProgress


def _progress(done, remaining):
    return ScanProgress(done=done, total=4, restored=0, elapsed=61.0, remaining=remaining)


def test_the_bar_shows_points_and_time_left():
    """Done and total, time passed, and an honest "about" before the time left."""
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=120)
    with ProgressLine(console, "r(N0-N1)") as bar:
        bar.show(_progress(0, None))
        bar.show(_progress(1, 183.4))
    text = stream.getvalue()
    assert "1 of 4 points" in text
    assert "1:01 passed, about 3:03 left" in text


def test_nobody_watching_means_no_bar():
    """Where stderr is no terminal, nothing is written."""
    with Screen(as_json=False, debug=False).progress("r") as bar:
        assert bar is None


def test_somebody_watching_gets_one(monkeypatch):
    """On a terminal there is a bar, on stderr."""
    screen = Screen(as_json=False, debug=False)
    screen.err = Console(file=io.StringIO(), force_terminal=True)
    assert isinstance(screen.progress("r"), ProgressLine)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0:00"), (59.6, "1:00"), (3600, "1:00:00"), (7384, "2:03:04")]
)
def test_times_read_as_a_clock(seconds, text):
    """Minutes and seconds, hours where there are any."""
    assert _time(seconds) == text
