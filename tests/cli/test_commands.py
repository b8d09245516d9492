"""The commands: files made, documents printed, exit codes kept, no traceback for a mistake."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import warnings
from importlib import metadata
from pathlib import Path

import ase.db
import jsonschema
import numpy as np
import pytest
from typer.testing import CliRunner

from qmlmat import surfaces
from qmlmat.ansatz import Ansatz
from qmlmat.ansatz.template import template_folders
from qmlmat.cli.app import app
from qmlmat.cli.commands import json_schema
from qmlmat.errors import MeanFieldError, QmlmatWarning
from qmlmat.surfaces import FunctionSurface, SolverSurface, load_scan, scan, stretch
from qmlmat.systems import Molecule, molecular_hamiltonian
from qmlmat.units import HARTREE_IN_EV

LENGTHS = [0.6, 0.75, 0.9]
H2 = f"""
title = "H2"
molecule.xyz = "H 0 0 0; H 0 0 0.74"
path.lengths = {LENGTHS}
[solver]
name = "VQE"
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working folder with a small input file, h2.toml."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "h2.toml").write_text(H2, encoding="utf-8")
    return tmp_path


def run(*args):
    """Run the command in this process."""
    return CliRunner().invoke(app, [str(arg) for arg in args])


def qmlmat(*args, **options):
    """Run the command in a process of its own."""
    command = [sys.executable, "-m", "qmlmat", *map(str, args)]
    return subprocess.run(command, check=False, capture_output=True, text=True, **options)


def test_scan_computes_stores_draws_and_prints(folder):
    """One command: table, store and figure beside the input, exit code 0."""
    done = run("scan", "h2.toml")
    assert done.exit_code == 0, done.output
    assert {file.name for file in folder.iterdir()} == {"h2.toml", "h2.db", "h2.png"}
    assert "H₂ · sto-3g · all orbitals · VQE uccsd" in done.stdout
    for word in ("0.7500", "converged", "Store:  h2.db", "Figure: h2.png", "Time:"):
        assert word in done.stdout
    assert done.stderr == ""


def test_the_stored_energies_are_the_exact_ones_in_ev(folder):
    """Uccsd is exact for two electrons: ASE reads the full-CI energy back, in eV."""
    run("scan", "h2.toml")
    with ase.db.connect("h2.db") as database:
        for row in database.select():
            molecule = Molecule(row.toatoms().get_chemical_symbols(), row.positions)
            exact = molecular_hamiltonian(molecule).spectrum().energies[0]
            assert row.energy == pytest.approx(exact * HARTREE_IN_EV, abs=1e-7)


def test_json_is_one_document_that_fits_its_schema(folder):
    """Nothing else is on stdout, and numbers are given in full."""
    done = run("scan", "h2.toml", "--json", "--store", "other.db", "--plot", "other.pdf")
    document = json.loads(done.stdout)
    jsonschema.validate(document, json_schema("output"))
    assert document["kind"] == "scan"
    assert (document["store"], document["plot"]) == ("other.db", "other.pdf")
    assert (folder / "other.pdf").is_file()
    found = [point["energies"][0] for point in document["points"]]
    np.testing.assert_array_equal(found, load_scan("other.db").energies[:, 0])
    assert document["max_error"] < 1e-8
    assert document["complete"]
    assert document["converged"]


def test_a_second_scan_computes_nothing_again(folder, monkeypatch):
    """The same command goes on where the store ends."""
    run("scan", "h2.toml")
    first = load_scan("h2.db").energies

    def never(*_args, **_kwargs):
        raise AssertionError("computed again")

    monkeypatch.setattr(SolverSurface, "evaluate", never)
    for command in (("scan", "h2.toml"), ("resume", "h2.db")):
        assert run(*command).exit_code == 0
    np.testing.assert_array_equal(load_scan("h2.db").energies, first)


def test_resume_needs_the_store_alone(folder):
    """Without its input and XYZ files, in another folder, a half-done scan is finished."""
    (folder / "h2.xyz").write_text("2\n\nH 0 0 0\nH 0 0 0.74\n", encoding="utf-8")
    text = H2.replace("H 0 0 0; H 0 0 0.74", "h2.xyz")
    (folder / "h2.toml").write_text(text, encoding="utf-8")
    run("scan", "h2.toml")
    whole = load_scan("h2.db").energies
    with ase.db.connect("h2.db", use_lock_file=False) as database:
        database.delete([3])
    moved = folder / "elsewhere"
    moved.mkdir()
    (folder / "h2.db").rename(moved / "h2.db")
    (folder / "h2.xyz").unlink()
    (folder / "h2.toml").unlink()
    assert run("plot", moved / "h2.db").exit_code == 0
    done = run("resume", moved / "h2.db", "--json")
    assert done.exit_code == 0, done.output
    assert (moved / "h2.png").is_file()
    assert load_scan(moved / "h2.db").energies == pytest.approx(whole, abs=1e-8)


def test_resume_takes_the_stored_path(folder, monkeypatch):
    """Normal modes are not sought again: elsewhere, degenerate ones might come out otherwise."""
    bond = f"path.lengths = {LENGTHS}"
    text = H2.replace(bond, "path.mode = 0\npath.values = [-0.1, 0.0, 0.1]")
    (folder / "mode.toml").write_text(text, encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", QmlmatWarning)  # not at the Hartree-Fock minimum
        run("scan", "mode.toml")
    whole = load_scan("mode.db").energies
    with ase.db.connect("mode.db", use_lock_file=False) as database:
        database.delete([3])
    monkeypatch.setattr(surfaces, "displace", None)  # must not be called
    assert run("resume", "mode.db").exit_code == 0
    np.testing.assert_array_equal(load_scan("mode.db").energies, whole)


def test_a_store_made_from_python_cannot_be_resumed_here_but_drawn(folder):
    """It holds no input file; the message says to run the script again."""
    molecule = Molecule(("H", "H"), [[0, 0, 0], [0, 0, 0.74]])
    surface = FunctionSurface(lambda x: float(x[1, 2]), name="line")
    scan(surface, stretch(molecule, (0, 1), LENGTHS), store="line.db")
    done = run("resume", "line.db")
    assert done.exit_code == 4
    assert "Run its script again" in done.stderr
    done = run("plot", "line.db", "-o", "line.svg", "--json")
    jsonschema.validate(json.loads(done.stdout), json_schema("output"))
    assert (folder / "line.svg").is_file()


def test_solve_prints_the_energies_at_the_inputs_geometry(folder):
    """One geometry, with exact and Hartree-Fock beside it."""
    done = run("solve", "h2.toml")
    assert done.exit_code == 0, done.output
    for word in ("energy", "hartree fock", "exact", "error", "<S^2>", "converged"):
        assert word in done.stdout
    document = json.loads(run("solve", "h2.toml", "--json").stdout)
    jsonschema.validate(document, json_schema("output"))
    assert document["energies"][0] == pytest.approx(-1.1372838345, abs=1e-6)  # PySCF FCI, 0.74 Å
    assert abs(document["error"]) < 1e-8
    assert document["n_params"] == 3


def test_solve_without_convergence_says_so(folder):
    """Exit code 3 and the advice; the numbers are still given."""
    (folder / "h2.toml").write_text(
        H2 + 'initial = "zero"\nmax_iterations = 1\ngradient_tolerance = 1e-12\n', encoding="utf-8"
    )
    done = run("solve", "h2.toml")
    assert done.exit_code == 3
    assert "max_iterations" in done.stdout
    done = run("scan", "h2.toml")
    assert done.exit_code == 3
    assert "iteration limit" in done.stdout


def test_a_failed_point_is_exit_code_3_and_a_failed_solve_5(folder, monkeypatch):
    """A scan goes on past a failure; a single calculation cannot."""

    def fail(*_args, **_kwargs):
        raise MeanFieldError("the field did not converge. Try another basis.")

    monkeypatch.setattr("qmlmat.surfaces.surface.run_mean_field", fail)
    done = run("scan", "h2.toml")
    assert done.exit_code == 3
    assert "every point: failed: the field did not converge." in done.stdout
    done = run("solve", "h2.toml", "--json")
    assert done.exit_code == 5
    document = json.loads(done.stdout)
    jsonschema.validate(document, json_schema("output"))
    assert (document["error"], document["exit_code"]) == ("MeanFieldError", 5)


def test_a_store_of_other_inputs_is_exit_code_4(folder):
    """The difference is named, and nothing is overwritten."""
    run("scan", "h2.toml")
    before = (folder / "h2.db").read_bytes()
    (folder / "h2.toml").write_text(H2.replace("[solver]", "[solver]\nseed = 7"), encoding="utf-8")
    done = run("scan", "h2.toml")
    assert done.exit_code == 4
    assert "surface.seed: None against 7" in done.stderr
    assert (folder / "h2.db").read_bytes() == before


@pytest.mark.parametrize(
    ("args", "code", "word"),
    [
        (["scan", "none.toml"], 2, "qmlmat init"),
        (["scan", "h2.toml", "--plot", "h2.bmp"], 2, ".png, .pdf, .svg"),
        (["scan", "h2.toml", "--store", "none/h2.db"], 4, "mkdir -p"),
        (["scan", "h2.toml", "--store", "h2.toml/h2.db"], 4, "is not a folder"),
        (["scan", "h2.toml", "--store", "h2.toml"], 4, "left as it is"),
        (["scan", "h2.toml", "--threads", "0"], 2, "--threads"),
        (["scan", "h2.toml", "--workers", "0"], 2, "--workers"),
        (["scan"], 2, "INPUT.toml"),
        (["scna", "h2.toml"], 2, "scan"),
        (["resume", "none.db"], 4, "there is no such store"),
        (["plot", "h2.toml"], 4, "not a SQLite database"),
        (["schema", "outptu"], 2, "input"),
        (["init", "h2.toml"], 2, "exists and is left as it is"),
        (["init", "none/n2.toml"], 2, "cannot be written"),
    ],
)
def test_a_users_mistake_is_one_line_and_its_exit_code(folder, args, code, word):
    """Never a traceback; nothing is made."""
    before = {file: file.read_bytes() for file in folder.iterdir()}
    done = run(*args)
    assert done.exit_code == code
    assert word in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.output
    assert {file: file.read_bytes() for file in folder.iterdir()} == before


def test_a_scan_without_a_path_is_pointed_to_solve(folder):
    """[path] is for scans."""
    text = "\n".join(line for line in H2.splitlines() if not line.startswith("path"))
    (folder / "h2.toml").write_text(text, encoding="utf-8")
    done = run("scan", "h2.toml")
    assert done.exit_code == 2
    assert "qmlmat solve" in done.stderr
    assert run("solve", "h2.toml").exit_code == 0


def test_a_bug_is_one_line_and_debug_shows_the_traceback(folder, monkeypatch):
    """Exit code 1 is ours, not the user's."""

    def broken(*_args, **_kwargs):
        raise LookupError("none of\nthem")

    monkeypatch.setattr("qmlmat.surfaces.surface.run_mean_field", broken)
    done = run("scan", "h2.toml")
    assert done.exit_code == 1
    assert done.stderr.count("\n") == 1
    assert "bug in qmlmat (LookupError: none of them)" in done.stderr
    done = run("solve", "h2.toml", "--debug")
    assert done.exit_code == 1
    assert "Traceback" in done.stderr


def test_init_writes_the_example_and_schema_prints_the_schema(folder):
    """The example is the one the tests check; the schema is JSON."""
    done = run("init")
    assert (done.exit_code, (folder / "n2.toml").is_file()) == (0, True)
    assert "qmlmat scan n2.toml" in done.stdout
    assert json.loads(run("schema").stdout) == json_schema("input")
    assert json.loads(run("schema", "output").stdout) == json_schema("output")
    assert json.loads(run("schema", "target").stdout) == json_schema("target")


def test_version_and_help():
    """The help of each command states the exit codes."""
    assert run("--version").stdout == f"qmlmat {metadata.version('qmlmat')}\n"
    for command in ("init", "scan", "resume", "plot", "solve", "schema"):
        assert "130 interrupted" in " ".join(run(command, "--help").stdout.split())


def test_two_workers_give_what_one_gives(folder):
    """--workers changes the time, not one digit; resume takes it, too."""
    assert run("scan", "h2.toml", "--store", "one.db").exit_code == 0
    done = qmlmat("scan", "h2.toml", "--workers", 2, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["complete"]
    assert done.stderr == ""
    np.testing.assert_array_equal(load_scan("h2.db").energies, load_scan("one.db").energies)
    assert run("resume", "h2.db", "--workers", 2).exit_code == 0  # all is there: none are started


def test_failed_points_are_computed_again_when_asked(folder, monkeypatch):
    """A failure is a stored result, until --retry-failed; nothing else is computed again."""
    real = SolverSurface.evaluate
    calls = []

    def evaluate(self, point, *, guess=None):
        calls.append(point.distance(0, 1))
        if len(calls) == 2:
            raise MeanFieldError("no")
        return real(self, point, guess=guess)

    monkeypatch.setattr(SolverSurface, "evaluate", evaluate)
    assert run("scan", "h2.toml").exit_code == 3
    assert run("resume", "h2.db").exit_code == 3
    assert len(calls) == 3
    assert run("resume", "h2.db", "--retry-failed").exit_code == 0
    assert run("scan", "h2.toml", "--retry-failed").exit_code == 0
    assert calls[3:] == [calls[1]]
    assert _rows(folder / "h2.db") == 3


def test_a_return_sweep_and_the_orbitals_are_keys_of_the_input(folder):
    """Both are inputs of the scan, and resume finds them in the store."""
    text = H2.replace("[solver]", 'active_space.orbitals = "canonical"\n[solver]')
    text = text.replace("path.lengths", "path.return_sweep = true\npath.lengths")
    (folder / "h2.toml").write_text(text, encoding="utf-8")
    assert run("scan", "h2.toml").exit_code == 0
    inputs = load_scan("h2.db").inputs
    assert inputs["return_sweep"] is True
    assert inputs["surface"]["orbitals"] == "canonical"
    assert _rows(folder / "h2.db") == 4  # three outward, and the root from both its children
    assert run("resume", "h2.db").exit_code == 0
    (folder / "h2.toml").write_text(text.replace("canonical", "chosen"), encoding="utf-8")
    done = run("scan", "h2.toml")
    assert done.exit_code == 2
    assert "tracked" in done.stderr


def test_what_a_point_warned_of_is_said_once_in_a_scan(folder, monkeypatch):
    """As a note under the table with its point; not before it as a warning, too."""
    real = SolverSurface.evaluate

    def evaluate(self, point, *, guess=None):
        if point.distance(0, 1) > 0.8:
            warnings.warn("the gap is narrow", QmlmatWarning, stacklevel=1)
        return real(self, point, guess=guess)

    monkeypatch.setattr(SolverSurface, "evaluate", evaluate)
    done = run("scan", "h2.toml")
    assert done.stderr == ""
    assert done.stdout.count("the gap is narrow") == 1
    assert "Note, 0.9 Å: the gap is narrow" in done.stdout


def test_warnings_of_the_library_are_one_tidy_line_each(folder, monkeypatch):
    """Repeated for other numbers it is shown once; other people's warnings pass as they are."""

    def talkative(*_args, **_kwargs):
        warnings.warn("the drift is\n0.1", QmlmatWarning, stacklevel=1)
        warnings.warn("the drift is 0.2", QmlmatWarning, stacklevel=1)
        raise MeanFieldError("no")

    monkeypatch.setattr("qmlmat.surfaces.surface.run_mean_field", talkative)
    done = run("solve", "h2.toml")
    assert done.stderr.splitlines() == ["Warning: the drift is 0.1", "Error: no"]

    def foreign(*_args, **_kwargs):
        warnings.warn("somebody else's", UserWarning, stacklevel=1)
        raise MeanFieldError("no")

    monkeypatch.setattr("qmlmat.surfaces.surface.run_mean_field", foreign)
    with pytest.warns(UserWarning, match="somebody else's"):
        assert run("solve", "h2.toml").exit_code == 5


def test_threads_are_set_before_the_libraries_load(folder, monkeypatch):
    """One thread unless the environment, or before all --threads, says otherwise."""
    names = ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"]
    for name in names:
        monkeypatch.setenv(name, "1")  # so that all are restored after the test
        monkeypatch.delenv(name)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    run("scan", "none.toml")
    assert [os.environ[name] for name in names] == ["3", "1", "1", "1"]
    run("scan", "none.toml", "--threads", "2")
    assert [os.environ[name] for name in names] == ["2"] * 4


def test_the_command_line_itself_loads_no_numerical_library():
    """--help and --version are quick, and --threads comes in time."""
    package = Path(__file__).parents[2] / "qmlmat"
    script = textwrap.dedent(
        f"""
        import sys, types
        bare = types.ModuleType("qmlmat")  # without what the package itself imports
        bare.__path__ = [{str(package)!r}]
        sys.modules["qmlmat"] = bare
        import qmlmat.cli.app
        heavy = {{"numpy", "torch", "pyscf", "ase", "matplotlib", "numba"}} & set(sys.modules)
        assert not heavy, heavy
        """
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_an_interrupt_in_this_process_keeps_what_is_done(folder, monkeypatch):
    """Exit code 130, the number of stored points, and the command that goes on."""
    original = SolverSurface.evaluate
    calls = []

    def interrupted(self, point, *, guess=None):
        calls.append(point)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return original(self, point, guess=guess)

    monkeypatch.setattr(SolverSurface, "evaluate", interrupted)
    done = run("scan", "h2.toml")
    assert done.exit_code == 130
    assert "1 of 3 points are stored in h2.db; go on with: qmlmat resume h2.db" in done.stderr


def test_an_interrupt_before_the_first_point_says_what_to_type(folder, monkeypatch):
    """Nothing is stored yet: there is nothing to resume."""

    def interrupted(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("qmlmat.cli.build.build_job", interrupted)
    done = run("scan", "h2.toml")
    assert done.exit_code == 130
    assert "Nothing was computed yet; type the same command again." in done.stderr


def test_an_interrupt_while_drawing_says_that_all_is_stored(folder, monkeypatch):
    """The figure is all that is missing, and has a command of its own."""

    def interrupted(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("qmlmat.report.plot_scan", interrupted)
    done = run("scan", "h2.toml")
    assert done.exit_code == 130
    assert "Every point is stored; draw it with: qmlmat plot h2.db" in done.stderr


def test_a_figure_that_fails_does_not_hide_the_results(folder, monkeypatch):
    """Table or document come first; then where the points are, and how to draw them."""

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", full)
    done = run("scan", "h2.toml")
    assert done.exit_code == 2
    assert "0.7500" in done.stdout
    assert "Figure:" not in done.stdout
    hint, reason = done.stderr.splitlines()
    assert hint == "Every point is stored in h2.db; draw it with: qmlmat plot h2.db"
    assert "No space left on device" in reason
    done = run("scan", "h2.toml", "--json")
    document = json.loads(done.stdout)  # one document, not two
    jsonschema.validate(document, json_schema("output"))
    assert (document["kind"], document["plot"], done.exit_code) == ("scan", None, 2)
    assert len(document["points"]) == 3


def test_a_figure_that_cannot_be_written_is_refused_before_computing(folder):
    """Neither a store nor an hour of work is made for it."""
    done = run("scan", "h2.toml", "--plot", "/proc/x.png")
    assert done.exit_code == 2
    assert "cannot be written" in done.stderr
    assert [file.name for file in folder.iterdir()] == ["h2.toml"]


def test_a_figure_never_replaces_a_store(folder):
    """Neither by its default name, nor where both are to have the same."""
    run("scan", "h2.toml", "--store", "keep.png", "--plot", "keep.pdf")
    before = (folder / "keep.png").read_bytes()
    for command in (("plot", "keep.png"), ("scan", "h2.toml", "--plot", "keep.png")):
        done = run(*command)
        assert done.exit_code == 2
        assert "left as it is" in done.stderr
    for plot in ("s.png", "./s.png"):
        done = run("scan", "h2.toml", "--store", "s.png", "--plot", plot)
        assert done.exit_code == 2
        assert "both the store and the figure" in done.stderr
    assert not (folder / "s.png").exists()
    assert (folder / "keep.png").read_bytes() == before


def test_an_edited_title_is_drawn(folder):
    """A new title needs no new store."""
    run("scan", "h2.toml")
    text = H2.replace('"H2"', r"'$\foo$ costs $5'")
    (folder / "h2.toml").write_text(text, encoding="utf-8")
    done = run("scan", "h2.toml")
    assert done.exit_code == 0, done.output
    assert load_scan("h2.db").title == r"$\foo$ costs $5"


def test_a_template_of_ones_own_is_found_beside_the_input_and_kept(folder, monkeypatch):
    """The store holds its text: resume needs no template file, in whatever folder."""
    own = Ansatz("uccsd").load()
    source = next(f / "uccsd.toml" for f in template_folders() if (f / "uccsd.toml").is_file())
    text = source.read_text(encoding="utf-8").replace('name = "uccsd"', 'name = "mine"')
    project = folder / "project"
    project.mkdir()
    (project / "mine.toml").write_text(text, encoding="utf-8")
    (project / "h2.toml").write_text(f'{H2}ansatz = "mine.toml"\n', encoding="utf-8")
    done = run("scan", "project/h2.toml")
    assert done.exit_code == 0, done.output
    whole = load_scan("project/h2.db")
    assert whole.inputs["surface"]["solver"]["ansatz"]["template"] == "mine"
    assert whole.inputs["surface"]["solver"]["ansatz"]["template_hash"] == own.content_hash()
    with ase.db.connect("project/h2.db", use_lock_file=False) as database:
        database.delete([3])
    (project / "h2.db").rename(folder / "moved.db")
    (project / "mine.toml").unlink()
    done = run("resume", "moved.db")
    assert done.exit_code == 0, done.output
    assert load_scan("moved.db").energies == pytest.approx(whole.energies, abs=1e-8)


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ('ansatz = "none.toml"', "relative to the input file"),
        ('ansatz = "h2.toml"', "h2.toml"),
        ("options = { spin_tide = true }", "spin_tied"),
        ("n_states = 2", 'name = "SSVQE"'),
    ],
)
def test_a_solver_that_cannot_work_is_refused_before_a_store_is_made(folder, line, answer):
    """Unknown templates and options, and states VQE cannot find, cost no Hartree-Fock."""
    (folder / "h2.toml").write_text(f"{H2}{line}\n", encoding="utf-8")
    done = run("scan", "h2.toml")
    assert done.exit_code == 2
    assert answer in done.stderr
    assert [file.name for file in folder.iterdir()] == ["h2.toml"]


LONG = H2.replace(str(LENGTHS), str([round(0.5 + k / 500, 6) for k in range(500)]))


def _start_and_wait(folder, n_points, *, text=LONG, pause=0.0):
    """Start a long scan in a process of its own, and return it once some points are stored.

    Each point takes ``pause`` seconds longer than it would.
    """
    (folder / "long.toml").write_text(text, encoding="utf-8")
    # A shell starts background jobs, hence perhaps this test run, with SIGINT ignored: undo that.
    script = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "sys.argv = ['qmlmat', 'scan', 'long.toml']; from qmlmat.cli import main;"
        "import time; from qmlmat.surfaces import SolverSurface as S; real = S.evaluate;"
        f"S.evaluate = lambda *a, **k: (time.sleep({pause}), real(*a, **k))[1];"
        "main()"
    )
    command = [sys.executable, "-c", script]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    store = folder / "long.db"
    for _ in range(2000):
        if child.poll() is not None:
            pytest.fail(f"ended early: {child.communicate()}")
        if store.exists() and _rows(store) >= n_points:
            return child
        try:
            child.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
    child.kill()
    pytest.fail("no points were stored")


def _rows(store):
    with ase.db.connect(str(store), use_lock_file=False) as database:
        return database.count()


@pytest.mark.slow
def test_ctrl_c_ends_a_real_process_with_130_and_no_traceback(folder):
    """SIGINT: everything finished is stored, and the last line is what to type."""
    child = _start_and_wait(folder, 3)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "go on with: qmlmat resume long.db" in err
    assert "Traceback" not in err
    found = load_scan("long.db")
    assert 3 <= sum(result is not None for result in found.results) < 500


@pytest.mark.slow
def test_a_short_scan_killed_for_real_resumes_to_what_an_uninterrupted_one_gives(folder):
    """SIGKILL in the middle of H2, then resume: every energy to 1e-8 hartree."""
    text = H2.replace(str(LENGTHS), str([round(0.5 + k / 10, 6) for k in range(12)]))
    child = _start_and_wait(folder, 2, text=text, pause=0.3)
    child.kill()
    child.communicate(timeout=60)
    assert child.returncode == -signal.SIGKILL
    stored = sum(result is not None for result in load_scan("long.db").results)
    assert 2 <= stored < 12
    done = run("resume", "long.db")
    assert done.exit_code == 0, done.output
    assert run("scan", "long.toml", "--store", "whole.db").exit_code == 0
    killed, whole = load_scan("long.db"), load_scan("whole.db")
    assert killed.energies == pytest.approx(whole.energies, abs=1e-8)
    assert killed.is_complete
    assert _rows(folder / "long.db") == 12


@pytest.mark.slow
def test_a_killed_scan_resumes_to_what_an_uninterrupted_one_gives(folder):
    """SIGKILL in the middle of LiH, then resume: the same store to 1e-8 hartree."""
    (folder / "lih.toml").write_text(
        textwrap.dedent(
            """
            molecule.xyz = "Li 0 0 0; H 0 0 1.595"
            active_space.freeze_core = true
            path = { start = 1.2, stop = 3.0, step = 0.1 }
            solver.name = "VQE"
            """
        ),
        encoding="utf-8",
    )
    whole = qmlmat("scan", "lih.toml", "--store", "whole.db")
    assert whole.returncode == 0, whole.stderr
    for count in (2, 9):
        command = [sys.executable, "-m", "qmlmat", "scan", "lih.toml", "--store", "killed.db"]
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        store = folder / "killed.db"
        while child.poll() is None and not (store.exists() and _rows(store) >= count):
            pass
        child.kill()
        child.wait()
    assert not load_scan("killed.db").is_complete
    resumed = qmlmat("resume", "killed.db")
    assert resumed.returncode == 0, resumed.stderr
    one, other = load_scan("killed.db"), load_scan("whole.db")
    assert one.energies == pytest.approx(other.energies, abs=1e-8)
    assert np.abs(one.errors).max() < 1e-8


def test_main_is_the_command(monkeypatch, capsys):
    """The console script and python -m qmlmat are the same function."""
    from qmlmat.cli import main

    monkeypatch.setattr(sys, "argv", ["anything", "--version"])
    with pytest.raises(SystemExit) as info:
        main()
    assert info.value.code == 0
    assert capsys.readouterr().out.startswith("qmlmat ")


def test_solve_keeps_a_growing_circuit_in_a_file(folder):
    """--checkpoint writes it, the same command goes on from it; other solvers have no steps."""
    growing = H2.replace('name = "VQE"', 'name = "ADAPTVQE"')
    assert growing != H2
    (folder / "grow.toml").write_text(growing, encoding="utf-8")
    first = run("solve", "grow.toml", "--checkpoint", "h2.json", "--json")
    again = run("solve", "grow.toml", "--checkpoint", "h2.json", "--json")
    assert (first.exit_code, again.exit_code) == (0, 0)
    energies = [json.loads(done.stdout)["energies"] for done in (first, again)]
    assert energies[0] == pytest.approx(energies[1], abs=1e-12)
    assert (folder / "h2.json").is_file()
    refused = run("solve", "h2.toml", "--checkpoint", "h2.json")
    assert refused.exit_code == 2
    assert "use ADAPTVQE" in refused.stderr


def test_a_scan_of_several_states_shows_each_curve(folder):
    """LiH, four singlets: a column and a row of errors for each, and the curves in the JSON."""
    text = """
        [molecule]
        xyz = "Li 0 0 0; H 0 0 1.6"
        basis = "sto-3g"
        [active_space]
        n_electrons = 2
        norb = 5
        [path]
        bond = [0, 1]
        lengths = [2.6, 3.0, 3.4]
        [solver]
        name = "SSVQE"
        multiplicity = 1
        n_states = 4
    """
    (folder / "lih.toml").write_text(text, encoding="utf-8")
    done = run("scan", "lih.toml")
    assert done.exit_code == 0
    assert "2 ¹Σ⁺" in done.output
    found = json.loads(run("scan", "lih.toml", "--json").stdout)
    jsonschema.validate(found, json_schema("output"))
    assert [point["curves"] for point in found["points"]] == [[0, 1, 2, 3]] * 3
