"""Files of records: nothing computed is lost, and nothing of other inputs is mixed in."""

import json

import pytest

from qmlmat.errors import StoreError, StoreMismatchError
from qmlmat.potentials.records import RecordFile


def test_a_record_is_there_when_the_file_is_opened_again(tmp_path):
    """Floats come back to the last bit."""
    file = tmp_path / "runs.jsonl"
    RecordFile(file, "test", {"a": 1}).append({"x": 0.1 + 0.2})
    assert RecordFile(file, "test", {"a": 1}).records == [{"x": 0.1 + 0.2}]


def test_a_line_cut_by_a_kill_is_dropped_and_the_others_are_kept(tmp_path):
    """The next record begins on a line of its own."""
    file = tmp_path / "runs.jsonl"
    RecordFile(file, "test", {}).append({"n": 1})
    with file.open("a") as stream:
        stream.write('{"n": 2, "half')
    again = RecordFile(file, "test", {})
    assert again.records == [{"n": 1}]
    again.append({"n": 3})
    assert RecordFile(file, "test", {}).records == [{"n": 1}, {"n": 3}]


def test_a_header_cut_by_a_kill_is_written_again(tmp_path):
    """A process killed in its first write leaves a file that can be used."""
    file = tmp_path / "runs.jsonl"
    file.write_text('{"creat')
    RecordFile(file, "test", {}).append({"n": 1})
    assert RecordFile(file, "test", {}).records == [{"n": 1}]


def test_a_file_of_other_inputs_is_refused_naming_them(tmp_path):
    """And left as it is."""
    file = tmp_path / "runs.jsonl"
    RecordFile(file, "test", {"budget": 10})
    before = file.read_bytes()
    with pytest.raises(StoreMismatchError, match=r"budget: 10 against 20.*name another file"):
        RecordFile(file, "test", {"budget": 20})
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "text",
    [
        "not json\n",
        json.dumps({"other": 1}) + "\n",
        "[]\n",
        '{"my": "notes, without a line end"}',
        '{"other": 1}\n{"other": 2}',
    ],
)
def test_a_foreign_file_is_refused(tmp_path, text):
    """A user's notes are not overwritten."""
    file = tmp_path / "notes.txt"
    file.write_text(text)
    with pytest.raises(StoreError, match="name another file"):
        RecordFile(file, "test", {})
    assert file.read_text() == text


def test_a_file_that_cannot_be_written_is_said(tmp_path):
    """The folder is not there."""
    with pytest.raises(StoreError, match="Make its folder"):
        RecordFile(tmp_path / "none" / "runs.jsonl", "test", {})
