"""`qmlmat export`, `plot --kind`, and the error table after a scan."""

import csv
import json

import jsonschema
import pytest
from scans import hydrogen, water, water_grid, well
from typer.testing import CliRunner

import qmlmat as qm
from qmlmat.cli.app import app
from qmlmat.cli.commands import json_schema
from qmlmat.report.errors import summarise_errors
from qmlmat.surfaces import FunctionSurface, ScanStore, StoreHeader

H2 = """
molecule.xyz = "H 0 0 0; H 0 0 0.74"
path.lengths = [0.6, 0.75, 0.9]
[solver]
name = "VQE"
"""


def run(*args):
    """Run the command in this process."""
    return CliRunner().invoke(app, [str(arg) for arg in args])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with a store of hydrogen, h2.db."""
    monkeypatch.chdir(tmp_path)
    scan = hydrogen()
    store = ScanStore.open("h2.db", StoreHeader(inputs=scan.inputs, title=scan.title))
    for index, (point, result) in enumerate(zip(scan.path.points, scan.results, strict=True)):
        store.write(index, point, result)
    return tmp_path


@pytest.mark.parametrize(
    ("format", "name"),
    [("csv", "h2.csv"), ("extxyz", "h2.extxyz"), ("netcdf", "h2.nc"), ("qcschema", "h2_qcschema")],
)
def test_an_export_lies_beside_its_store_and_is_said(folder, format, name):
    """A second one replaces the first."""
    for _ in range(2):
        done = run("export", "h2.db", "--format", format)
        assert done.exit_code == 0, done.output
    assert done.stdout == f"Export: {name}\n"
    assert (folder / name).exists()


def test_the_ending_of_the_output_says_the_format(folder):
    """The numbers are those of the store."""
    assert run("export", "h2.db", "-o", "mine.csv").exit_code == 0
    with (folder / "mine.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    found = [float(row["energy_0 (hartree)"]) for row in rows]
    assert found == hydrogen().energies[:, 0].tolist()


def test_json_names_every_file(folder):
    """The document fits its schema."""
    document = json.loads(run("export", "h2.db", "-f", "qcschema", "--json").stdout)
    jsonschema.validate(document, json_schema("output"))
    assert (document["kind"], document["format"]) == ("export", "qcschema")
    assert len(document["files"]) == 5
    assert all((folder / name).is_file() for name in document["files"])


@pytest.mark.parametrize(
    ("args", "code", "word"),
    [
        (["export", "h2.db"], 2, "--format"),
        (["export", "h2.db", "--format", "cvs"], 2, 'Did you mean "csv"'),
        (["export", "h2.db", "-o", "h2.dat"], 2, "name the format"),
        (["export", "h2.db", "-o", "none/h2.csv"], 2, "mkdir -p"),
        (["export", "h2.db", "-f", "csv", "-o", "h2.db", "--force"], 2, "left as it is"),
        (["export", "none.db", "-f", "csv"], 4, "there is no such store"),
        (["plot", "h2.db", "--kind", "surface"], 2, "a grid of two axes"),
        (["plot", "h2.db", "--kind", "contuor"], 2, 'Did you mean "contour"'),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_made(folder, args, code, word):
    """With its remedy and exit code."""
    done = run(*args)
    assert done.exit_code == code
    assert word in done.stderr
    assert done.stderr.count("\n") == 1
    assert [file.name for file in folder.iterdir() if not file.name.startswith(".")] == ["h2.db"]


def test_somebody_elses_file_is_replaced_only_by_force(folder):
    """Notes that happen to end in .csv stay."""
    (folder / "h2.csv").write_text("my notes", encoding="utf-8")
    refused = run("export", "h2.db", "-f", "csv")
    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    assert run("export", "h2.db", "-f", "csv", "--force").exit_code == 0
    assert "my notes" not in (folder / "h2.csv").read_text(encoding="utf-8")


def test_a_store_of_a_function_has_no_integrals(folder):
    """The remedy names the formats it can have."""
    qm.scan(FunctionSurface(well), water_grid(2, 2), store="water.db")
    done = run("export", "water.db", "-f", "fcidump")
    assert done.exit_code == 2
    assert "csv, extxyz, netcdf or qcschema" in done.stderr
    assert run("export", "water.db", "-f", "qcschema").exit_code == 0


def test_a_grid_is_drawn_in_every_kind(folder):
    """A map by default."""
    qm.scan(FunctionSurface(well), water_grid(3, 3), store="water.db")
    for kind in ("auto", "contour", "surface"):
        done = run("plot", "water.db", "--kind", kind, "-o", f"{kind}.png")
        assert done.exit_code == 0, done.output
        assert (folder / f"{kind}.png").is_file()


def test_a_scan_ends_with_its_errors(folder):
    """A small table, and the same numbers with --json."""
    (folder / "own.toml").write_text(H2, encoding="utf-8")
    done = run("scan", "own.toml")
    assert "errors against exact (mHa)" in done.stdout
    assert "non-parallelity" in done.stdout
    document = json.loads(run("scan", "own.toml", "--json").stdout)
    jsonschema.validate(document, json_schema("output"))
    expected = {one.method: one for one in summarise_errors(qm.load_scan("own.db"))}
    for found in document["errors"]:
        assert found["largest"] == expected[found["method"]].largest
    assert list(expected) == ["VQE uccsd", "Hartree–Fock"]
    point = document["points"][0]
    assert (point["n_params"], len(point["spin_squares"])) == (3, 1)
    assert point["overlap"] > 0.9


def test_nothing_to_compare_has_no_error_table(folder):
    """A table without rows is left out."""
    assert summarise_errors(water()) == ()
