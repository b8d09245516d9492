"""Which format, where to, and what is refused."""

from dataclasses import replace

import pytest
from scans import hydrogen, troubled, water, water_grid

from qmlmat.errors import InputError
from qmlmat.surfaces import export_scan
from qmlmat.surfaces.export.export import FORMATS, default_name
from qmlmat.surfaces.storage.integrity import SQLITE_MAGIC

ENDINGS = {"csv": ".csv", "extxyz": ".extxyz", "netcdf": ".nc"}
NOT_INTEGRALS = [name for name in FORMATS if name != "fcidump"]


@pytest.mark.parametrize("format", FORMATS)
def test_without_a_finished_point_there_is_nothing_to_export(tmp_path, format):
    """Nothing is made, and the message says how to go on."""
    empty = replace(hydrogen(), results=(troubled().results[0], None, None, None))
    with pytest.raises(InputError, match="qmlmat resume STORE"):
        export_scan(empty, tmp_path / "out", format)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "format", "remedy"),
    [
        ("h2.dat", None, "name the format"),
        ("h2", None, "name the format"),
        ("h2.csv", "netcdg", 'Did you mean "netcdf"?'),
        ("none/h2.csv", None, "mkdir -p"),
        ("none/h2", "qcschema", "mkdir -p"),
    ],
)
def test_a_mistake_is_refused_with_its_remedy(tmp_path, name, format, remedy):
    """An unknown ending, format or folder."""
    with pytest.raises(InputError, match=remedy.replace("?", r"\?")):
        export_scan(hydrogen(), tmp_path / name, format)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format", ENDINGS)
def test_an_export_replaces_an_export_and_nothing_else(tmp_path, format):
    """Somebody's own file stays, unless replacing it is asked for."""
    file = tmp_path / f"h2{ENDINGS[format]}"
    file.write_text("my notes", encoding="utf-8")
    with pytest.raises(InputError, match="--force"):
        export_scan(hydrogen(), file)
    assert file.read_text(encoding="utf-8") == "my notes"
    export_scan(hydrogen(), file, force=True)
    before = file.stat().st_mtime_ns
    export_scan(hydrogen(), file)
    assert file.stat().st_mtime_ns >= before
    assert [one.name for one in tmp_path.iterdir()] == [file.name]


@pytest.mark.parametrize("format", ENDINGS)
def test_an_export_of_a_long_scan_is_known_as_one(tmp_path, format):
    """What marks it is found in a file of any size."""
    file = tmp_path / f"water{ENDINGS[format]}"
    for _ in range(2):
        export_scan(water(water_grid(40, 40)), file, format)


def test_a_store_is_never_replaced(tmp_path):
    """Not even by force."""
    file = tmp_path / "h2.csv"
    file.write_bytes(SQLITE_MAGIC)
    with pytest.raises(InputError, match="left as it is"):
        export_scan(hydrogen(), file, force=True)
    assert file.read_bytes() == SQLITE_MAGIC


def test_a_folder_of_other_things_is_left_alone(tmp_path):
    """A folder of an earlier export is taken, and points that are no more go."""
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "thesis.tex").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match=r'"thesis.tex".*--force'):
        export_scan(hydrogen(), folder, "qcschema")
    export_scan(hydrogen(), folder, "qcschema", force=True)
    assert (folder / "thesis.tex").exists()
    (folder / "thesis.tex").unlink()
    assert (folder / "point_003.json").exists()
    export_scan(troubled(), folder, "qcschema")
    assert not (folder / "point_003.json").exists()


def test_files_that_are_named_like_points_but_are_not_ours_are_left_alone(tmp_path):
    """Without our table beside them they are somebody's."""
    folder = tmp_path / "points"
    folder.mkdir()
    for name in ("point_000.json", "point_007.json"):
        (folder / name).write_text("mine")
    with pytest.raises(InputError, match=r"point_000\.json"):
        export_scan(hydrogen(), folder, "qcschema")
    assert (folder / "point_007.json").read_text() == "mine"


def test_a_file_is_no_folder_and_a_folder_no_file(tmp_path):
    """Each is named as what it is."""
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(InputError, match="this is a folder"):
        export_scan(hydrogen(), tmp_path / "a.csv")
    (tmp_path / "b").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="this is a file"):
        export_scan(hydrogen(), tmp_path / "b", "qcschema")


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    """The old export stays whole, and no draft is left."""
    file = export_scan(hydrogen(), tmp_path / "h2.csv").file
    before = file.read_bytes()

    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("qmlmat.surfaces.export.csv_table._rows", full)
    with pytest.raises(InputError, match="No space left on device"):
        export_scan(hydrogen(), file)
    assert [one.name for one in tmp_path.iterdir()] == ["h2.csv"]
    assert file.read_bytes() == before


def test_the_default_place_is_beside_the_store(tmp_path):
    """With the natural ending; folders are named after the format."""
    store = tmp_path / "n2.db"
    names = [default_name(store, format).name for format in FORMATS]
    assert names == ["n2.csv", "n2.extxyz", "n2.nc", "n2_qcschema", "n2_fcidump"]


@pytest.mark.parametrize("format", NOT_INTEGRALS)
def test_a_scan_without_inputs_is_exported_as_far_as_it_is_known(tmp_path, format):
    """Somebody's own surface, assembled by hand."""
    scan = replace(hydrogen(), inputs={})
    assert export_scan(scan, tmp_path / "out", format).files[0].exists()
