"""The input file: what it may say, and one clear line for each slip."""

import json
import tomllib
from pathlib import Path

import ase.io
import jsonschema
import pytest
from ase import Atoms
from hypothesis import given
from hypothesis import strategies as st

from qmlmat.ansatz import Ansatz
from qmlmat.cli.build import build_job
from qmlmat.cli.commands import json_schema
from qmlmat.cli.inputs import InputDocument, load_input, parse_input
from qmlmat.errors import ConfigError, InputError
from qmlmat.solvers import ADAPTVQE, EOM, QSE, RBM, SSVQE, VQD, Exact, Krylov, Metropolis
from qmlmat.systems import Molecule

ROOT = Path(__file__).parents[2]
EXAMPLE = (ROOT / "qmlmat/cli/example.toml").read_text(encoding="utf-8")
SMALL = {
    "molecule": {"xyz": "H 0 0 0; H 0 0 0.74"},
    "path": {"lengths": [0.6, 0.74]},
    "solver": {"name": "Exact"},
}

finite = st.floats(allow_nan=False, allow_infinity=False)
documents = st.fixed_dictionaries(
    {
        "molecule": st.fixed_dictionaries(
            {"xyz": st.just("H 0 0 0\nH 0 0 0.74")},
            optional={
                "charge": st.integers(),
                "spin": st.integers(),
                "basis": st.text(),
                "ecp": st.text(),
            },
        )
    },
    optional={
        "title": st.text(),
        "active_space": st.fixed_dictionaries(
            {}, optional={"n_electrons": st.integers(), "freeze_core": st.booleans()}
        ),
        "path": st.one_of(
            st.fixed_dictionaries({"lengths": st.lists(finite, min_size=1)}),
            st.fixed_dictionaries({"to": st.just("H 0 0 0; H 0 0 1"), "n_points": st.just(3)}),
            st.fixed_dictionaries(
                {
                    "axes": st.lists(
                        st.fixed_dictionaries(
                            {
                                "angle": st.lists(st.integers(), min_size=3, max_size=3),
                                "values": st.lists(finite, min_size=1),
                            }
                        ),
                        min_size=1,
                    )
                },
                optional={"root": st.integers()},
            ),
        ),
        "solver": st.fixed_dictionaries(
            {"name": st.sampled_from(["VQE", "ADAPTVQE"])},
            optional={
                "spin_penalty": st.floats(0, 1),
                "seed": st.integers(0, 9),
                "screening": st.fixed_dictionaries({}, optional={"spin": st.booleans()}),
            },
        ),
    },
)


def _parse(values) -> InputDocument:
    return parse_input(values, name="in.toml", folder=Path())


@given(documents)
def test_a_document_survives_its_plain_values(values):
    """What a store keeps is what the user gave: nothing lost, nothing added."""
    document = _parse(values)
    plain = json.loads(json.dumps(document.plain()))
    assert plain == values
    assert _parse(plain) == document


@pytest.fixture(scope="module")
def validator():
    """The published schema, made and checked once."""
    return jsonschema.Draft202012Validator(json_schema("input"))


@given(values=documents)
def test_what_is_accepted_fits_the_published_schema(validator, values):
    """An editor that checks against the schema refuses nothing that the command accepts."""
    validator.validate(_parse(values).plain())


def test_the_example_is_the_main_job():
    """N2, cc-pVDZ, (10e, 8o), 22 points from 0.9 to 3.0 Å, uccsd."""
    document = _parse(tomllib.loads(EXAMPLE))
    assert document.path.points() == [round(0.9 + 0.1 * k, 10) for k in range(22)]
    job = build_job(document)
    assert len(job.scan_path()) == 22
    assert job.path.along()[job.path.root] == 1.1
    assert (job.surface.molecule.formula, job.surface.molecule.basis) == ("N2", "cc-pvdz")
    assert (job.surface.active_space.n_electrons, job.surface.active_space.norb) == (10, 8)
    assert job.surface.solver.inputs()["ansatz"]["template"] == "uccsd"
    jsonschema.validate(tomllib.loads(EXAMPLE), json_schema("input"))


def test_every_commented_line_of_the_example_is_a_key():
    """The keys the example only mentions exist, too."""
    for line in (
        "indices = [2, 3, 4]",
        "freeze_core = true",
        "lengths = [0.9, 1.1, 2.0]",
        "options = { spin_tied = true }",
        "gradient_tolerance = 1e-6",
        "max_iterations = 1000",
        "spin_penalty = 0.0",
        "seed = 0",
        "learning_rate = 0.05",
    ):
        assert f"# {line}" in EXAMPLE
        text = EXAMPLE.replace(f"# {line}", line)
        if line.startswith("lengths"):
            text = text.replace("start = 0.9\nstop = 3.0\nstep = 0.1\n", "")
        _parse(tomllib.loads(text))


@pytest.mark.parametrize("which", ["input", "fit", "output"])
def test_the_published_schemas_are_current(which):
    """docs/ holds what `qmlmat schema` prints."""
    published = json.loads((ROOT / f"docs/{which}.schema.json").read_text(encoding="utf-8"))
    assert published == json_schema(which), f"run: qmlmat schema {which} > docs/{which}.schema.json"
    jsonschema.Draft202012Validator.check_schema(published)


SLIPS = [
    ('basis = "cc', 'basiss = "cc', 'unknown key "basiss" in [molecule]. Did you mean "basis"?'),
    ("[path]", "[paths]", 'unknown table or key "paths". Did you mean "path"?'),
    ("norb = 8", "basis = 8", 'unknown key "basis" in [active_space]. It belongs in [molecule].'),
    (
        "norb = 8",
        "zzz = 8",
        'unknown key "zzz" in [active_space]. Known: avas, freeze_core',
    ),
    ("bond = [0", "bonds = [0", 'unknown key "bonds" in [path]. Did you mean "bond"?'),
    ('initial = "', 'intial = "', 'unknown key "intial" in [solver]. Did you mean "initial"?'),
    ('name = "PreconditionedLBFGS"', 'nam = "Adam"', 'unknown key "nam" in [solver.optimizer].'),
    ("spin = 0", "spin = 0.5", "[molecule] spin = 0.5: give a whole number."),
    ("spin = 0", "spin = true", "[molecule] spin = true: give a whole number."),
    ("charge = 0", 'charge = "0"', '[molecule] charge = "0": give a whole number.'),
    ("start = 0.9", 'start = "a"', '[path] start = "a": give a number.'),
    ("start = 0.9", "start = nan", "[path] start = nan: give a finite number."),
    ("step = 0.1", "step = -0.1", "[path] step = -0.1: give a number above 0."),
    ("step = 0.1", "step = 0.4", "[path]: stop = 3 is not start = 0.9 plus whole steps of 0.4"),
    ("step = 0.1", "step = 1e-9", "[path]: more than 100000 points"),
    ("step = 0.1", "", "[path]: start, stop and step belong together: give all three."),
    ("step = 0.1", "lengths = [1.0]", "[path]: give either lengths, or start, stop and step."),
    ("bond = [0, 1]", "bond = [0]", "[path] bond = [0]: give at least 2 values."),
    ("bond = [0, 1]", "bond = [0, 1, 2]", "[path] bond = [0, 1, 2]: give at most 2 values."),
    ("bond = [0, 1]", 'bond = [0, "N"]', '[path] bond[1] = "N": give a whole number.'),
    ("bond = [0, 1]", "bond = 1", "[path] bond = 1: give a list in [brackets]."),
    ('name = "VQE"', 'name = "VQEE"', '[solver] name = "VQEE": not known. Did you mean "VQE"?'),
    ('name = "VQE"', "", "[solver] needs the key 'name'. Add it."),
    (
        '"mp2"         #',
        '"mp3"         #',
        '[solver] initial = "mp3": not known. Did you mean "mp2"?',
    ),
    ('basis = "cc-pvdz"', "basis = 6", "[molecule] basis = 6: give text in quotes."),
    (
        "# options = { spin_tied = true }",
        "options = { k = 1.5 }",
        "whole number, or text in quotes.",
    ),
    ("# max_iterations = 1000", "max_iterations = 0", "= 0: give a number of at least 1."),
    ('xyz = """', 'xyzz = """', 'unknown key "xyzz" in [molecule]. Did you mean "xyz"?'),
    ("bond = [0, 1]", "angle = [0, 1]", "[path] angle = [0, 1]: give at least 3 values."),
    ("title =", "molecule =", "not valid TOML"),
    ("[solver]\n", "[solver\n", "not valid TOML"),
]


@pytest.mark.parametrize(("good", "bad", "answer"), SLIPS, ids=[slip[1] for slip in SLIPS])
def test_a_slip_in_the_input_is_one_clear_line(tmp_path, good, bad, answer):
    """Each line names the file, the place and the remedy."""
    assert good in EXAMPLE
    file = tmp_path / "n2.toml"
    file.write_text(EXAMPLE.replace(good, bad, 1), encoding="utf-8")
    with pytest.raises(ConfigError) as info:
        load_input(file)
    lines = str(info.value).splitlines()
    assert any(answer in line for line in lines), lines
    assert all("n2.toml" in line for line in lines)
    assert len(lines) <= 2


def test_a_table_given_as_a_value_is_refused():
    """A table is a table."""
    with pytest.raises(ConfigError, match="path = 3: give a table"):
        _parse(SMALL | {"path": 3})


def test_several_slips_are_several_lines():
    """The user mends them all at once."""
    with pytest.raises(ConfigError) as info:
        _parse({"molecule": {"xyz": "H 0 0 0", "spin": "a", "charg": 1}, "pth": {}})
    assert len(str(info.value).splitlines()) == 3


def test_an_xyz_file_is_found_beside_the_input_and_kept_as_text(tmp_path):
    """The document holds the atoms, so that a store needs no other file."""
    (tmp_path / "h2.xyz").write_text("2\nhydrogen\nH 0 0 0\nH 0 0 0.74\n", encoding="utf-8")
    file = tmp_path / "in.toml"
    file.write_text('molecule.xyz = "h2.xyz"\npath.lengths = [0.7]\n', encoding="utf-8")
    document = load_input(file)
    assert "hydrogen" in document.molecule.xyz
    job = build_job(document)
    assert job.surface.molecule.formula == "H2"
    assert build_job(_parse(job.document)).surface.inputs() == job.surface.inputs()


@pytest.mark.parametrize("name", ["none.xyz", "none"])
def test_an_xyz_file_that_is_not_there_is_named(tmp_path, name):
    """With its full path, and what else could be written."""
    file = tmp_path / "in.toml"
    file.write_text(f'molecule.xyz = "{name}"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="relative to the input file"):
        load_input(file)


def test_an_xyz_file_that_is_no_text_is_named(tmp_path):
    """Binary content is not an XYZ file."""
    (tmp_path / "h2.xyz").write_bytes(b"\xff\xfe\x00")
    file = tmp_path / "in.toml"
    file.write_text('molecule.xyz = "h2.xyz"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="Give a readable XYZ file"):
        load_input(file)


def test_a_single_atom_on_one_line_is_text():
    """One atom is not taken for a file's name."""
    job = build_job(_parse({"molecule": {"xyz": "He 0 0 0"}, "solver": {"name": "Exact"}}))
    assert job.point.symbols == ("He",)
    with pytest.raises(ConfigError, match="qmlmat solve"):
        job.scan_path()


@pytest.mark.parametrize(
    ("content", "answer"),
    [(None, "qmlmat init"), (b"\xff\xfe", "not text in UTF-8")],
)
def test_an_input_that_cannot_be_read_is_refused(tmp_path, content, answer):
    """Missing and binary files have their own sentence."""
    file = tmp_path / "in.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=answer):
        load_input(file)


def test_a_folder_is_no_input(tmp_path):
    """Nor is a folder an input file."""
    with pytest.raises(ConfigError, match="cannot be read"):
        load_input(tmp_path)


def test_the_solver_is_what_the_file_says():
    """Every key of [solver] reaches the solver, the number of states and the seed the surface."""
    solver = {
        "name": "VQE",
        "ansatz": "uccgsd",
        "options": {"spin_tied": True},
        "initial": "random",
        "gradient_tolerance": 1e-5,
        "max_iterations": 7,
        "spin_penalty": 0.5,
        "seed": 3,
        "optimizer": {"name": "Adam", "learning_rate": 0.05},
    }
    surface = build_job(_parse(SMALL | {"solver": solver})).surface
    inputs = surface.solver.inputs()
    assert inputs["ansatz"]["template"] == "uccgsd"
    assert inputs["ansatz"]["options"] == {"spin_tied": True}
    assert (inputs["initial"], inputs["max_iterations"]) == ("random", 7)
    assert (inputs["gradient_tolerance"], inputs["spin_penalty"]) == (1e-5, 0.5)
    assert "Adam" in json.dumps(inputs["optimizer"])
    assert "0.05" in json.dumps(inputs["optimizer"])
    assert surface.seed == 3


def test_the_growing_solver_is_what_the_file_says():
    """Every key of an ADAPTVQE table reaches the solver; unsaid, the pool is spin-complemented."""
    table = {
        "name": "ADAPTVQE",
        "pool": "uccsd",
        "gradient_tolerance": 1e-4,
        "operators_per_step": "tetris",
        "max_operators": 9,
        "max_iterations": 7,
        "spin_penalty": 0.05,
        "screening": {"min_amplitude": 1e-5},
        "optimizer": {"name": "Adam"},
    }
    inputs = build_job(_parse(SMALL | {"solver": table})).surface.solver.inputs()
    assert inputs["solver"] == "adapt-vqe"
    assert inputs["pool"]["template"] == "uccsd"
    assert inputs["screening"] == {"point_group": True, "spin": False, "min_amplitude": 1e-5}
    for key in ("gradient_tolerance", "operators_per_step", "max_operators", "max_iterations"):
        assert inputs[key] == table[key]
    plain = build_job(_parse(SMALL | {"solver": {"name": "ADAPTVQE"}})).surface.solver
    assert plain == ADAPTVQE()
    two_states = SMALL | {"solver": {"name": "VQE", "n_states": 2}}
    with pytest.raises(ConfigError, match='name = "SSVQE" for several states'):
        build_job(_parse(two_states))


SEVERAL = {"multiplicity": 3, "irrep": "Sigma_u+", "n_states": 2}


@pytest.mark.parametrize(
    ("table", "solver"),
    [
        ({"name": "Exact"}, Exact(multiplicity=3, irrep="Sigma_u+")),
        ({"name": "SSVQE"}, SSVQE(multiplicity=3, irrep="Sigma_u+")),
        (
            {"name": "SSVQE", "ansatz": "uccsd", "layers": 3, "weights": [2, 1], "n_surplus": 0},
            SSVQE(
                Ansatz("uccsd"),
                layers=3,
                weights=(2, 1),
                n_surplus=0,
                multiplicity=3,
                irrep="Sigma_u+",
            ),
        ),
        (
            {"name": "VQD", "deflation": 4.0, "options": {"spin_tied": False}},
            VQD(Ansatz("uccgsd", spin_tied=False), deflation=4.0, multiplicity=3, irrep="Sigma_u+"),
        ),
        (
            {"name": "ADAPTVQE", "spin_penalty": 0.05},
            ADAPTVQE(spin_penalty=0.05, multiplicity=3, irrep="Sigma_u+"),
        ),
        (
            {"name": "EOM", "method": "qEOM", "manifold": "S", "ground": {"name": "ADAPTVQE"}},
            EOM("qEOM", manifold="S", ground=ADAPTVQE(), multiplicity=3, irrep="Sigma_u+"),
        ),
        ({"name": "QSE", "threshold": 1e-6}, QSE(threshold=1e-6, multiplicity=3, irrep="Sigma_u+")),
        (
            {"name": "Krylov", "n_steps": 3, "time_step": 0.2, "n_configurations": 2},
            Krylov(
                n_steps=3,
                time_step=0.2,
                n_configurations=2,
                multiplicity=3,
                irrep="Sigma_u+",
            ),
        ),
    ],
)
def test_solvers_of_several_states_are_what_the_file_says(table, solver):
    """Each key of their tables arrives, and what is left out is the library's default."""
    surface = build_job(_parse(SMALL | {"solver": table | SEVERAL})).surface
    assert surface.solver == solver
    assert surface.n_states == 2


def test_a_machine_is_what_the_file_says():
    """Units, node and sampler arrive; several states need no symmetry."""
    table = {"name": "RBM", "n_hidden": 3, "sign_node": "tanh", "sampler": "metropolis"}
    surface = build_job(_parse(SMALL | {"solver": table | {"n_states": 2}})).surface
    assert surface.solver == RBM(n_hidden=3, sign_node="tanh", sampler=Metropolis())
    assert surface.n_states == 2


@pytest.mark.parametrize(
    ("table", "answer"),
    [
        ({"operators_per_step": "tetriss"}, 'a whole number of at least 1, or "tetris"'),
        ({"operators_per_step": 0}, 'a whole number of at least 1, or "tetris"'),
        (
            {"ansatz": "uccsd"},
            'unknown key "ansatz" in [solver]. It is a key of name = "VQE" or "SSVQE" or "VQD".',
        ),
        ({"screening": {"pointgroup": True}}, 'Did you mean "point_group"'),
    ],
)
def test_a_slip_in_the_growing_solvers_table_is_answered(table, answer):
    with pytest.raises(ConfigError) as caught:
        _parse(SMALL | {"solver": {"name": "ADAPTVQE", **table}})
    assert answer in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_the_molecule_and_space_are_what_the_file_says():
    """Every key of [molecule] and [active_space] arrives."""
    values = SMALL | {
        "molecule": {
            "xyz": "Li 0 0 0; H 0 0 1.6",
            "charge": 1,
            "spin": 1,
            "basis": "6-31g",
        },
        "active_space": {"indices": [1, 2, 3]},
        "solver": {"name": "Exact", "n_states": 2},
        "path": {"bond": [1, 0], "lengths": [1.5, 1.6, 1.7], "root": 2},
    }
    job = build_job(_parse(values))
    molecule = job.surface.molecule
    assert (molecule.charge, molecule.spin, molecule.basis) == (1, 1, "6-31g")
    assert job.surface.active_space.indices == (1, 2, 3)
    assert job.surface.n_states == 2
    assert (job.path.name, job.path.root) == ("r(H1-Li0)", 2)


@pytest.mark.parametrize(
    ("optimizer", "answer"),
    [
        ({"name": "LBFG"}, 'Did you mean "LBFGS"'),
        ({"name": "Optimizer"}, "not an optimiser"),
        ({"name": "SparseAdam"}, "Use LBFGS or Adam"),
        ({"name": "Muon"}, "Use LBFGS or Adam"),
        ({"name": "Rotosolv"}, 'Did you mean "Rotosolve"'),
        ({"name": "FlatOptimizer"}, "not an optimiser"),
        ({"name": "Rotosolve", "learning_rate": 0.1}, "cannot be used with these settings"),
        ({"name": "Adam", "regularization": 0.1}, "cannot be used with these settings"),
    ],
)
def test_an_optimiser_that_cannot_be_used_is_refused_before_computing(optimizer, answer):
    """Unknown ones get the nearest name, unsuitable ones a suitable one."""
    with pytest.raises(InputError, match=answer):
        build_job(_parse(SMALL | {"solver": {"name": "VQE", "optimizer": optimizer}}))


@pytest.mark.parametrize(
    "optimizer",
    [
        {"name": "PreconditionedLBFGS"},
        {"name": "NaturalGradient", "learning_rate": 0.1, "regularization": 1e-2},
        {"name": "SPSA", "perturbation": 0.1, "averages": 2, "blocking": True},
        {"name": "Rotosolve"},
    ],
    ids=lambda table: table["name"],
)
def test_our_optimisers_are_named_in_a_file_with_their_settings(optimizer):
    """What the file says reaches the solver's record."""
    surface = build_job(_parse(SMALL | {"solver": {"name": "VQE", "optimizer": optimizer}})).surface
    record = surface.solver.inputs()["optimizer"]
    assert record["name"].endswith(f".{optimizer['name']}")
    settings = {key: value for key, value in optimizer.items() if key != "name"}
    if "learning_rate" in settings:
        settings["lr"] = settings.pop("learning_rate")
    assert record["settings"] == settings


def test_an_unknown_template_is_refused_before_computing():
    """The circuit is looked up when the job is made, not at the first point."""
    with pytest.raises(InputError, match='Did you mean "uccsd"'):
        build_job(_parse(SMALL | {"solver": {"name": "VQE", "ansatz": "uccds"}}))


WATER = "O 0 0 0; H 0.9572 0 0; H -0.2399872 0.9266272 0"
END = "O 0 0 0; H 1.1 0 0; H -0.5 1.0 0"
RADIUS = {"symmetric": [[0, 1], [0, 2]], "start": 0.9, "stop": 1.1, "step": 0.1}
BEND = {"angle": [1, 0, 2], "values": [90.0, 100.0]}


def _water(path):
    return _parse({"molecule": {"xyz": WATER}, "path": path, "solver": {"name": "Exact"}})


@pytest.mark.parametrize(
    ("path", "name", "shape"),
    [
        ({"bond": [0, 2], "values": [0.9, 1.0]}, "r(O0-H2)", (2,)),
        (BEND, "a(H1-O0-H2)", (2,)),
        (RADIUS, "symmetric(r(O0-H1), r(O0-H2))", (3,)),
        (
            {"asymmetric": [[0, 1], [0, 2]], "start": -0.1, "stop": 0.1, "step": 0.1},
            "asymmetric(r(O0-H1), r(O0-H2))",
            (3,),
        ),
        ({"axes": [RADIUS, BEND], "root": 1}, "symmetric(r(O0-H1), r(O0-H2)), a(H1-O0-H2)", (3, 2)),
        ({"to": END, "n_points": 4}, "arc length", (4,)),
        ({"to": END, "n_points": 4, "method": "idpp"}, "arc length", (4,)),
        ({"frames": "3\n\nO 0 0 0\nH 1 0 0\nH 0 1 0\n"}, "frame", (1,)),
    ],
    ids=["bond", "angle", "symmetric", "asymmetric", "grid", "linear", "idpp", "frames"],
)
def test_each_kind_of_path_is_made(path, name, shape):
    """The keys of [path] reach the library, and the stored document makes the same path again."""
    document = _water(path)
    job = build_job(document)
    assert (job.path.name, job.path.shape) == (name, shape)
    assert job.path.root == path.get("root", job.path.root)
    jsonschema.validate(document.plain(), json_schema("input"))
    again = build_job(_parse(json.loads(json.dumps(job.document))))
    assert again.path.inputs() == job.path.inputs()


def test_a_dihedral_is_turned():
    """Four atoms, degrees."""
    xyz = "O 0 0 0; O 0 0 1.45; H 0.9 0 -0.2; H 0.3 0.85 1.65"
    path = {"dihedral": [2, 0, 1, 3], "start": 0, "stop": 180, "step": 60}
    job = build_job(_parse(SMALL | {"molecule": {"xyz": xyz}, "path": path}))
    assert job.path.along().tolist() == [0, 60, 120, 180]
    assert job.path.axes[0].unit == "degree"


@pytest.mark.parametrize("method", [None, "random"])
def test_a_sample_has_as_many_points_as_it_says(method):
    """Axes with start and stop only, scattered by method and seed."""
    axes = [
        {"bond": [0, 1], "start": 0.8, "stop": 1.2},
        {"angle": [1, 0, 2], "start": 90, "stop": 120},
    ]
    chosen = {} if method is None else {"method": method}
    paths = [
        build_job(_water({"axes": axes, "n_points": 5, "seed": seed, **chosen})).path
        for seed in (0, 1, 1)
    ]
    assert [len(path) for path in paths] == [5, 5, 5]
    assert paths[0].inputs() != paths[1].inputs() == paths[2].inputs()


def test_a_normal_mode_is_followed():
    """Displacements along the mode, from the molecule on."""
    xyz = "H 0 0 0; H 0 0 0.712"
    path = {"mode": 0, "start": -0.1, "stop": 0.1, "step": 0.1}
    job = build_job(_parse(SMALL | {"molecule": {"xyz": xyz}, "path": path}))
    assert (job.path.name, job.path.root, len(job.path)) == ("mode 0", 1, 3)


def test_files_of_a_path_are_kept_as_text(tmp_path):
    """A store needs neither the last geometry's file nor the frames'."""
    (tmp_path / "end.xyz").write_text("3\nend\n" + END.replace("; ", "\n"), encoding="utf-8")
    frames = [Atoms("OH2", [[0, 0, 0], [r, 0, 0], [0, r, 0]]) for r in (0.9, 1 / 3 + 0.7)]
    ase.io.write(tmp_path / "all.traj", frames)
    ase.io.write(tmp_path / "all.xyz", frames)
    for keys, kept in (
        ('to = "end.xyz"\nn_points = 3', "to"),
        ('frames = "all.traj"', "frames"),
        ('frames = "all.xyz"', "frames"),
    ):
        file = tmp_path / "in.toml"
        file.write_text(f'molecule.xyz = "{WATER}"\n[path]\n{keys}\n', encoding="utf-8")
        document = load_input(file)
        assert "\n" in getattr(document.path, kept)
        plain = json.loads(json.dumps(document.plain()))
        assert build_job(_parse(plain)).path.inputs() == build_job(document).path.inputs()
        if "traj" in keys:  # to the last bit
            assert build_job(document).path.points[1].positions[1, 0] == 1 / 3 + 0.7


@pytest.mark.parametrize("key", ["to", "frames"])
def test_a_file_of_a_path_that_is_not_there_is_named(tmp_path, key):
    """With its full path, and what else could be written."""
    file = tmp_path / "in.toml"
    more = "\nn_points = 3" if key == "to" else ""
    file.write_text(f'molecule.xyz = "{WATER}"\n[path]\n{key} = "no.xyz"{more}', encoding="utf-8")
    with pytest.raises(ConfigError, match="relative to the input file"):
        load_input(file)


def test_frames_that_cannot_be_read_are_named(tmp_path):
    """One line with the place in the input file."""
    (tmp_path / "all.traj").write_text("nonsense", encoding="utf-8")
    file = tmp_path / "in.toml"
    file.write_text(f'molecule.xyz = "{WATER}"\npath.frames = "all.traj"', encoding="utf-8")
    with pytest.raises(ConfigError, match=r'in.toml: \[path\] frames = "all.traj".*cannot be read'):
        load_input(file)


SLIPS_OF_PATHS = [
    (BEND | {"bond": [0, 1]}, "bond and angle are different coordinates: give one, or several as"),
    (BEND | {"mode": 0}, "mode and angle are different paths"),
    (BEND | {"lengths": [1.0]}, "lengths are of a bond: call those of angle values"),
    ({"angle": [1, 0, 2]}, "give either values, or start, stop and step"),
    ({"mode": 0, "lengths": [1.0]}, "lengths does not belong to a path by mode: leave it out"),
    ({"values": [1.0], "lengths": [1.0]}, "lengths and values are the same thing"),
    ({"values": [1.0], "n_points": 3}, "n_points does not belong to a path by bond"),
    ({"symmetric": [[0, 1], [1, 0, 2]], "values": [1.0]}, "symmetric takes two bonds such as"),
    ({"symmetric": [[0, 1]], "values": [1.0]}, "[path] symmetric = [[0, 1]]: give at least 2"),
    ({"to": END}, "to needs n_points, both ends included: give at least 2"),
    ({"to": END, "n_points": 3, "method": "sobol"}, 'use "linear" or "idpp"'),
    ({"to": END, "n_points": 3, "method": "idp"}, 'method = "idp": not known. Did you mean "idpp"'),
    ({"to": END, "frames": "x"}, "to and frames are different paths"),
    ({"frames": "a.xyz", "seed": 3}, "seed does not belong to a path by frames"),
    ({"axes": []}, "[path] axes = []: give at least 1 values"),
    ({"axes": [BEND], "seed": 3}, "seed belongs to a sample: add n_points"),
    ({"axes": [BEND], "n_points": 3}, "leave n_points out for a grid"),
    ({"axes": [{"bond": [0, 1], "start": 1.0, "stop": 1.1}]}, "add n_points to [path], or step"),
    (
        {"axes": [{"bond": [0, 1], "start": 1.0, "stop": 1.1}], "n_points": 3, "root": 1},
        "the root of a sample is its point nearest the molecule",
    ),
    ({"axes": [BEND | {"valuess": [1.0]}]}, 'unknown key "valuess" in [path.axes[0]]. Did you'),
    ({"axes": [BEND, {"bond": [0, 1]}]}, "[path.axes[1]]: give either lengths, or start, stop"),
    ({"axes": [BEND | {"to": "x"}]}, 'unknown key "to" in [path.axes[0]].'),
]


@pytest.mark.parametrize(("path", "answer"), SLIPS_OF_PATHS, ids=[s[1] for s in SLIPS_OF_PATHS])
def test_a_slip_in_a_path_is_one_clear_line(path, answer):
    """Exactly one kind of path, with the keys that belong to it."""
    with pytest.raises(ConfigError) as caught:
        _water(path)
    assert answer in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("molecule", [{}, {"xyz": WATER, "zmatrix": "H"}])
def test_the_geometry_is_given_once(molecule):
    """As XYZ lines or as a Z-matrix."""
    with pytest.raises(ConfigError, match="give the geometry once, as xyz or as zmatrix"):
        _parse({"molecule": molecule})


def test_a_z_matrix_reaches_the_molecule(tmp_path, monkeypatch):
    """Its text, also from a file, goes to Molecule.from_zmatrix with charge, spin and basis."""
    calls = []

    def from_zmatrix(text, **settings):
        calls.append((text, settings))
        return Molecule.from_xyz("H 0 0 0; H 0 0 0.74", **settings)

    monkeypatch.setattr(Molecule, "from_zmatrix", from_zmatrix, raising=False)
    (tmp_path / "h2.zmat").write_text("H\nH 1 0.74\n", encoding="utf-8")
    file = tmp_path / "in.toml"
    for value in ('"h2.zmat"', r'"H\nH 1 0.74\n"'):
        file.write_text(f'molecule.zmatrix = {value}\nmolecule.basis = "6-31g"', encoding="utf-8")
        build_job(load_input(file))
    settings = {"charge": 0, "spin": 0, "basis": "6-31g", "ecp": None}
    assert calls == [("H\nH 1 0.74\n", settings)] * 2
