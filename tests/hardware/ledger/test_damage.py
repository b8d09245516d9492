"""Places that cannot be used: one line with a remedy, and everything is left as it is."""

from __future__ import annotations

import errno
import os
import sqlite3

import pytest
from hardware_fakes import tasks

from qmlmat.errors import LedgerError
from qmlmat.hardware.ledger.budget import Budget
from qmlmat.hardware.ledger.ledger import Ledger


@pytest.fixture
def folder(tmp_path):
    """A ledger with a run, closed."""
    place = tmp_path / "ledger"
    with Ledger.open(place) as ledger:
        ledger.begin("run", {}, {}, Budget())
        ledger.add("run", tasks(2))
    return place


def refused(folder, words):
    """The one line that opening is refused with."""
    with pytest.raises(LedgerError, match=words) as caught:
        Ledger.open(folder)
    assert "\n" not in str(caught.value)
    assert str(folder) in str(caught.value)


def test_a_damaged_database_is_refused(folder):
    """Neither a torn page nor another file's content is touched."""
    file = folder / "ledger.db"
    whole = file.read_bytes()
    torn = whole[:4096] + b"\xff" * 4096 + whole[8192:]
    for content in (torn, b"notes about something" * 99):
        file.write_bytes(content)
        refused(folder, "Restore a copy.*not lost")
        assert file.read_bytes() == content
    file.write_bytes(whole)
    with Ledger.open(folder) as ledger:
        assert len(ledger.tasks("run")) == 2


def test_another_version_of_the_tables_is_refused(folder):
    """Older and newer ones alike; the remedy is the version that wrote it."""
    connection = sqlite3.connect(folder / "ledger.db")
    connection.execute("PRAGMA user_version = 7")
    connection.close()
    refused(folder, "version 7, this qmlmat reads 1. Use the version of qmlmat that wrote it")


def test_somebody_elses_database_is_refused(tmp_path):
    """A database of other tables is left alone."""
    folder = tmp_path / "ledger"
    folder.mkdir()
    connection = sqlite3.connect(folder / "ledger.db")
    connection.execute("CREATE TABLE note (text)")
    connection.close()
    refused(folder, "not made by qmlmat.*name another folder")


def test_a_folder_of_other_things_is_refused(tmp_path):
    """A ledger is never made among somebody's files, whose folder would be closed to others."""
    (tmp_path / "thesis.tex").write_text("")
    refused(tmp_path, "holds other things.*Name a new")


@pytest.mark.parametrize("is_there", [True, False])
def test_jobs_without_their_database_are_not_forgotten(folder, is_there):
    """Where the database was emptied or deleted, no new one is begun over the stored jobs."""
    (folder / "payloads" / "1.json").write_text("{}")
    (folder / "ledger.db").unlink()
    if is_there:
        (folder / "ledger.db").touch()
    refused(folder, "missing or empty. Restore it from a copy")


def test_a_place_that_cannot_be_made_is_refused(tmp_path):
    """A file stands where the folder should be."""
    (tmp_path / "file").touch()
    refused(tmp_path / "file" / "ledger", "cannot be written.*write permission")


def test_a_read_only_database_is_refused(folder, monkeypatch):
    """Also for root, who may write anything: SQLite itself is asked to read only."""
    connect = sqlite3.connect

    def reading(file, **settings):
        return connect(f"file:{file}?mode=ro", uri=True, **settings)

    monkeypatch.setattr(sqlite3, "connect", reading)
    with Ledger.open(folder) as ledger:
        with pytest.raises(LedgerError, match=r"read-only. Restore write permission"):
            ledger.add("run", tasks(3))
        assert len(ledger.tasks("run")) == 2


def test_a_full_disk_loses_nothing_of_the_database(folder):
    """SQLITE_FULL in the middle of a transaction: none of it is there, and it can be repeated."""
    with Ledger.open(folder) as ledger:
        run = ledger._database._connection.execute
        n_pages = run("PRAGMA page_count").fetchone()[0]
        run(f"PRAGMA max_page_count = {n_pages}")
        with pytest.raises(LedgerError, match=r"disk is full. Free space, then run the same"):
            ledger.add("run", tasks(40))
        assert len(ledger.tasks("run")) == 2
        run("PRAGMA max_page_count = 1000000")
        ledger.add("run", tasks(40))
        assert len(ledger.tasks("run")) == 40


def test_a_full_disk_leaves_no_half_a_file(folder, monkeypatch):
    """ENOSPC while a result is stored: no file under its name, none beside it."""
    with Ledger.open(folder) as ledger:
        record = ledger.tasks("run")[0]
        fsync = os.fsync

        def full(_):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(LedgerError, match=r"No space left.*Free space.*nothing was lost"):
            ledger.write_raw(record, b"counts")
        assert list((folder / "raw").iterdir()) == []
        monkeypatch.setattr(os, "fsync", fsync)
        ledger.write_raw(record, b"counts")
        assert len(list((folder / "raw").iterdir())) == 1


def test_a_task_that_was_altered_by_hand_is_told(folder):
    """What is stored must still have the key under which it is stored."""
    connection = sqlite3.connect(folder / "ledger.db")
    connection.execute(
        "UPDATE task SET definition = replace(definition, '\"shots\":50', '\"shots\":5')"
    )
    connection.commit()
    connection.close()
    with (
        Ledger.open(folder) as ledger,
        pytest.raises(LedgerError, match=r"damaged. Restore a copy"),
    ):
        ledger.task(ledger.tasks("run")[0].key)
