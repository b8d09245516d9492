"""Processes and servers that are killed, and processes that do the same thing."""

import signal
import subprocess
import sys
import textwrap

import pytest
from braket_rehearsed import PLANTED, accepted, adapter, counted, sent, task, waited
from rehearsal.client import rehearsed

KILLED = """
    import os, signal
    from braket_rehearsed import adapter, counted, task
    from qmlmat.hardware.adapters.braket import door
    create = door.Door.create
    def then_dies(self, **given):
        create(self, **given)
        if given["tags"]["qmlmat-part"].startswith("{part}/"):
            os.kill(os.getpid(), signal.SIGKILL)
    door.Door.create = then_dies
    one, wanted = adapter(), task("braket_garnet", counted(100), counted(200), run="{run}")
    one.submit(one.compile(wanted), wanted.key())
"""
TWICE = """
    from braket_rehearsed import adapter, task
    one, wanted = adapter(), task(run="{run}")
    print(one.submit(one.compile(wanted), wanted.key()))
"""


def process(text, **given):
    """Run a program in a process of its own."""
    code = textwrap.dedent(text.format(**given))
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("part", [0, 1])
def test_a_killed_process_loses_nothing(server, part):
    """Killed after the first or the last quantum task: found by the key, finished, fetched."""
    run = f"killed {part}"
    assert process(KILLED, part=part, run=run).returncode == -signal.SIGKILL
    one, wanted = adapter(), task("braket_garnet", counted(100), counted(200), run=run)
    payload = one.compile(wanted)
    (found,) = one.find(wanted.key())
    assert found.is_whole is bool(part)
    name = found.remote_id if part else one.submit(payload, wanted.key())
    assert len(accepted(server, wanted.key())) == 2
    assert waited(one, name).state == "done"
    assert len(one.decode(one.fetch_raw(name), payload)) == 2


@pytest.mark.slow
def test_two_processes_with_one_task_make_one_quantum_task(server):
    """The token is the key, whoever sends it."""
    names = {process(TWICE, run="twice").stdout for _ in range(2)}
    assert len(names) == 1
    assert names.pop().startswith("arn:aws:braket:")
    assert len(accepted(server, task(run="twice").key())) == 1


@pytest.mark.slow
def test_a_server_that_is_killed_and_comes_back_remembers(tmp_path, monkeypatch):
    """Tokens and results outlive it."""
    with rehearsed("braket", tmp_path) as running:
        for name, value in {**running.environment(), **PLANTED}.items():
            monkeypatch.setenv(name, value)
        one, wanted = adapter(), task(run="restart")
        payload, name = sent(one, wanted)
        running.kill()
        running.start()
        assert one.submit(payload, wanted.key()) == name
        assert waited(one, name).state == "done"
