"""Templates: their own expectations, look-up order, and refused files."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pennylane as qml
import pytest
from ffsim.variational.util import interaction_pairs_spin_balanced
from twins import generator_matrix, ladder_factors, random_observable

from qmlmat._resources import data_dir
from qmlmat.ansatz import Ansatz, Circuit, Excitation, Gate, NumberProduct
from qmlmat.ansatz.blocks import orbital_moves
from qmlmat.ansatz.jastrow import local_pairs
from qmlmat.ansatz.template import Template, load_template, read_template
from qmlmat.backends import Preparation, Reference, Request, SectorBackend
from qmlmat.errors import InputError, TemplateError
from qmlmat.operators.sector import Sector
from qmlmat.systems import spin_square

TEMPLATES = sorted(path.stem for path in (data_dir("circuits") / "ansatz").glob("*.toml"))
FERMIONIC = [name for name in TEMPLATES if load_template(name).kind == "fermionic"]
UCCSD = (data_dir("circuits") / "ansatz" / "uccsd.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_meets_its_own_checks(name):
    """The [[check]] tables state how many parameters a size has."""
    template = load_template(name)
    assert template.name == name
    for check in template.check:
        assert template.check_n_params(check) == check.n_params


def test_the_published_schema_is_the_models_schema():
    """`circuits/schema.json` is generated, never edited."""
    published = json.loads((data_dir("circuits") / "schema.json").read_text(encoding="utf-8"))
    assert published == Template.model_json_schema(by_alias=True)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("uccsd", "a8c5921f2f1608402a599ff454b71038e563d3cd4d18eca268e70f7ead4b7a2a"),
        ("uccgsd", "d8d0c463fde712a1cb5549c52ce0b4b4e123082e178004e93f20c911f57f3947"),
    ],
)
def test_stored_scans_of_the_first_templates_still_resume(name, expected):
    """The hashes that stores hold since the first version."""
    assert load_template(name).content_hash() == expected


@pytest.mark.parametrize("name", ["uccsd", "uccgsd", "quccgsd"])
@pytest.mark.parametrize("nelec", [(2, 2), (1, 1), (3, 3)])
def test_tied_generators_commute_with_the_spin_flip(name, nelec):
    """With equal electrons, each tied parameter's generator is even under alpha <-> beta."""
    circuit = Ansatz(name, spin_tied=True).circuit(4, nelec)
    size = generator_matrix(circuit.gates[0].generator, 4, nelec).shape[0]
    n_strings = int(size**0.5)
    order = [c * n_strings + r for r, c in product(range(n_strings), repeat=2)]
    for param in range(circuit.n_params):
        total = sum(
            g.scale * generator_matrix(g.generator, 4, nelec)
            for g in circuit.gates
            if g.param == param
        )
        assert abs(total).max() > 0
        assert abs(total - total[order][:, order]).max() == 0


def test_users_own_template_wins(tmp_path, monkeypatch):
    """A name is looked up in the user's folder first."""
    (tmp_path / "ansatz").mkdir()
    own = UCCSD.replace('title = "', 'title = "My ')
    (tmp_path / "ansatz" / "uccsd.toml").write_text(own, encoding="utf-8")
    monkeypatch.setenv("QMLMAT_CIRCUITS", str(tmp_path))
    assert load_template("uccsd").title.startswith("My ")
    monkeypatch.setenv("QMLMAT_CIRCUITS", str(tmp_path / "nowhere"))
    assert not load_template("uccsd").title.startswith("My ")


def test_hash_follows_the_circuit_not_the_prose(tmp_path):
    """A reworded title keeps stored scans valid; another block order does not."""
    reworded = tmp_path / "reworded.toml"
    reworded.write_text(UCCSD.replace('title = "', 'title = "My '), encoding="utf-8")
    changed = tmp_path / "changed.toml"
    changed.write_text(UCCSD.replace("same_spin_doubles", "singles"), encoding="utf-8")
    own = load_template("uccsd").content_hash()
    assert Ansatz(str(reworded)).load().content_hash() == own
    assert Ansatz(str(changed)).load().content_hash() != own


def test_what_enters_a_stores_hash_is_the_circuit_it_makes(tmp_path):
    """A default that is named changes nothing; an edited file or default does, at the same path."""
    named, silent = Ansatz("uccsd", spin_tied=False).inputs(), Ansatz("uccsd").inputs()
    assert named == silent
    assert Ansatz("uccsd", spin_tied=True).inputs() != silent
    path = tmp_path / "mine.toml"
    seen = []
    for old, new in (
        ("", ""),
        ("same_spin_doubles", "singles"),
        ("default = false", "default = true"),
    ):
        path.write_text(UCCSD.replace(old, new), encoding="utf-8")
        seen.append(Ansatz(str(path)).inputs())
    assert seen[0] != seen[1]
    assert seen[0] != seen[2]


@pytest.mark.parametrize("name", FERMIONIC)
@pytest.mark.parametrize(("norb", "nelec"), [(3, (2, 1)), (4, (2, 2)), (4, (1, 0)), (2, (2, 2))])
def test_templates_conserve_the_numbers_they_claim(name, norb, nelec):
    """Each factor commutes with the number of electrons of the spins named in `conserves`."""
    template = load_template(name)
    assert {"n_alpha", "n_beta"} <= set(template.conserves)
    for gate in template.circuit(norb, nelec, {}).gates:
        if isinstance(gate.generator, NumberProduct):
            continue  # diagonal
        factors = ladder_factors(gate.generator, norb)
        for spin in (0, 1):
            changes = [1 if kind == "+" else -1 for kind, mode in factors if mode // norb == spin]
            assert sum(changes) == 0


@pytest.mark.parametrize("name", FERMIONIC)
def test_spin_is_conserved_exactly_where_it_is_claimed(name):
    """Random angles on a closed shell: <S^2> stays zero, and without the claim it does not."""
    template = load_template(name)
    options = {key: 2 for key, option in template.options.items() if option.minimum is not None}
    circuit = template.circuit(4, (2, 2), options)
    params = np.random.default_rng(7).uniform(-1, 1, circuit.n_params)
    start = Reference.hartree_fock(4, (2, 2))
    square = spin_square(SectorBackend().state(Preparation(circuit, start, params)), 4, (2, 2))
    claimed = "spin" in template.conserves
    assert claimed == (abs(square) < 1e-10)  # rounding of a hundred rotations


@pytest.mark.parametrize("nelec", [(2, 2), (2, 1)])
@pytest.mark.parametrize("name", FERMIONIC)
def test_gradients_of_every_template_are_central_differences(name, nelec):
    """Every angle's derivative at random angles, two layers where there are layers; tied, too."""
    template = load_template(name)
    options = {key: 2 for key, option in template.options.items() if option.minimum is not None}
    options |= {key: True for key in template.options if key == "spin_tied"}
    circuit = template.circuit(4, nelec, options)
    rng = np.random.default_rng(11)
    observable = random_observable(4, nelec, rng)
    preparation = Preparation(circuit, Reference.hartree_fock(4, nelec))
    evaluator = SectorBackend().prepare(Request(preparation=preparation, observables=(observable,)))
    params = rng.uniform(-1, 1, circuit.n_params)
    steps = 1e-4 * np.eye(circuit.n_params)
    plus, minus = evaluator(np.stack([params + steps, params - steps])).values[..., 0]
    scale = np.linalg.norm(observable.matrix, 2)
    gradient = evaluator.value_and_gradient(params).gradient[0]
    assert gradient == pytest.approx((plus - minus) / 2e-4, abs=1e-7 * scale)
    assert np.abs(gradient).max() > 1e-3 * scale


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("norb", [2, 3, 4])
def test_the_gate_fabric_is_pennylanes(norb, depth):
    """State of `givens` = `pennylane.GateFabric`, up to the order of spin orbitals and angles."""
    nelec = (norb // 2, norb // 2)
    circuit = Ansatz("givens", depth=depth).circuit(norb, nelec)
    params = np.random.default_rng(norb).uniform(-1, 1, circuit.n_params)
    state = SectorBackend().state(Preparation(circuit, Reference.hartree_fock(norb, nelec), params))
    # Ours: pairs then rotations of the even tiles, then of the odd ones. Theirs: tile by tile.
    even = norb // 2
    layers = []
    for layer in params.reshape(depth, -1):
        parts = np.split(layer, [even, 2 * even, norb - 1 + even])
        pairs, rotations = np.concatenate(parts[::2]), np.concatenate(parts[1::2])
        layers.append(-2 * np.stack([pairs, rotations], axis=1))
    bits = [1] * (2 * nelec[0]) + [0] * (2 * (norb - nelec[0]))
    device = qml.device("default.qubit", wires=2 * norb)

    @qml.qnode(device)
    def fabric():
        qml.GateFabric(np.array(layers), wires=range(2 * norb), init_state=bits)
        return qml.state()

    theirs = np.asarray(fabric())
    for (row, alpha), (column, beta) in product(
        enumerate(Sector(norb, nelec).alpha_strings), enumerate(Sector(norb, nelec).beta_strings)
    ):
        modes = [2 * p for p in range(norb) if alpha >> p & 1]
        modes += [2 * p + 1 for p in range(norb) if beta >> p & 1]
        swaps = sum(a > b for i, a in enumerate(modes) for b in modes[i + 1 :])
        swaps += nelec[0] * (nelec[0] - 1) // 2  # of the reference itself
        index = sum(1 << 2 * norb - 1 - mode for mode in modes)
        assert (-1) ** swaps * theirs[index] == pytest.approx(state[row, column], abs=1e-12)


@pytest.mark.parametrize("pairs", ["all", "square", "heavy_hex"])
def test_lucj_couples_ffsims_pairs(pairs):
    """As many parameters per layer as ffsim's operator with the same pairs."""
    known = {"all": "all-to-all", "square": "square", "heavy_hex": "heavy-hex"}
    expected = interaction_pairs_spin_balanced(known[pairs], 6)
    assert local_pairs(6, pairs) == expected
    circuit = Ansatz("lucj", n_reps=2, pairs=pairs).circuit(6, (3, 3))
    n_pairs = sum(21 if part is None else len(part) for part in expected)
    assert circuit.n_params == 2 * (36 + n_pairs)


def test_layers_have_their_own_parameters():
    """Two layers are one layer twice, with fresh angles."""
    one, two = (Ansatz("kupccgsd", k=k).circuit(4, (2, 2)) for k in (1, 2))
    shifted = [Gate(g.generator, g.param + one.n_params, g.scale) for g in one.gates]
    assert two.gates == (*one.gates, *shifted)
    assert two.n_params == 2 * one.n_params


def test_the_chain_of_pairs_alternates_and_ends_with_what_is_left():
    """Even links join occupied to virtual; unequal numbers and open shells follow at the end."""
    assert orbital_moves(6, (3, 3), "even_pairs") == [(2, 3), (1, 4), (0, 5)]
    assert orbital_moves(6, (3, 3), "odd_pairs") == [(1, 3), (0, 4)]
    assert orbital_moves(5, (3, 3), "even_pairs") == [(2, 3), (1, 4)]
    assert orbital_moves(5, (3, 3), "odd_pairs") == [(1, 3), (0, 4)]
    assert orbital_moves(4, (2, 1), "even_pairs") == [(0, 2), (1, 3)]
    assert orbital_moves(4, (2, 2), "odd_neighbours") == [(1, 2)]


@pytest.mark.parametrize(
    ("old", "new", "remedy"),
    [
        ('"mixed_doubles"', '"mixed_double"', 'Did you mean "mixed_doubles"'),
        ("[[block]]\ngenerator", "[[block]]\ngenerater", 'Did you mean "generator"'),
        ("where =", "wher =", r'unknown key "wher" in \[block\[0\]\]. Did you mean "where"'),
        ("schema = 1", "schema = 2", "schema"),
        ("norb = 2\n", "", r"Give norb and nelec, or n_qubits"),
        ("spin_tied]", "spin_tide]", "spin_tied"),
        ('"occupied_to_virtual"', '"evn_pairs"', 'Did you mean "even_pairs"'),
        ('"occupied_to_virtual"', '"even_pairs"', 'Use "occupied_to_virtual" or "any"'),
        ("schema = 1", 'schema = 1\nrepeat = "k"', 'repeat = "k" is not an option'),
        ("schema = 1", 'schema = 1\nstart = "factorized"', 'Use "perturbed"'),
        ("default = false", "default = 1.5", "a whole number, or text"),
        ("default = false", "default = 1", "a whole number needs one"),
        ("default = false", 'default = "a"', "a word needs them"),
        ("default = false", 'default = "a"\nchoices = ["b"]', "Known: b"),
        ("default = false", "default = 0\nminimum = 1", "at least 1"),
        ("schema = 1", "schema 1", "not valid TOML"),
    ],
)
def test_a_broken_template_is_answered_with_the_place_and_the_remedy(tmp_path, old, new, remedy):
    """One line: the file, the key, the nearest known word."""
    path = tmp_path / "mine.toml"
    path.write_text(UCCSD.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(TemplateError, match=remedy) as caught:
        Ansatz(str(path)).load()
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_unknown_names_files_and_options_are_refused(tmp_path):
    """The nearest known name is offered."""
    with pytest.raises(TemplateError, match='Did you mean "uccsd"'):
        Ansatz("uccds").circuit(2, (1, 1))
    with pytest.raises(TemplateError, match="no such file"):
        Ansatz(str(tmp_path / "none.toml")).circuit(2, (1, 1))
    with pytest.raises(TemplateError, match="cannot be read"):
        read_template(Path(tmp_path))
    with pytest.raises(TemplateError, match="Use True or False"):
        Ansatz("uccsd", spin_tied="no").circuit(2, (1, 1))
    with pytest.raises(TemplateError, match='Did you mean "spin_tied"'):
        Ansatz("uccsd", spin_tide=True).circuit(2, (1, 1))
    for k in (0, 1.5, True, "2"):
        with pytest.raises(TemplateError, match="whole number of at least 1"):
            Ansatz("kupccgsd", k=k).circuit(2, (1, 1))
    with pytest.raises(TemplateError, match='Did you mean "heavy_hex"'):
        Ansatz("lucj", pairs="heavyhex").circuit(2, (1, 1))
    with pytest.raises(InputError, match='Did you mean "square"'):
        local_pairs(4, "squares")


def test_a_circuit_refuses_gaps_and_orbitals_outside():
    """Parameters are numbered without gaps, orbitals exist."""
    excitation = Excitation(((0, 2),))
    with pytest.raises(InputError, match="orbitals 0 to 1"):
        Circuit.from_excitations(2, (1, 1), [excitation])
    gates = Circuit.from_excitations(3, (1, 1), [excitation]).gates
    with pytest.raises(InputError, match="without gaps"):
        Circuit(3, (1, 1), gates, n_params=2)
