"""Templates: their own expectations, look-up order, and refused files."""

import json
from itertools import product
from pathlib import Path

import pytest
from twins import generator_matrix, ladder_factors

from qmlmat._resources import data_dir
from qmlmat.ansatz import Ansatz, Circuit, Excitation
from qmlmat.ansatz.template import Template, load_template, read_template
from qmlmat.errors import InputError, TemplateError

TEMPLATES = sorted(path.stem for path in (data_dir("circuits") / "ansatz").glob("*.toml"))
UCCSD = (data_dir("circuits") / "ansatz" / "uccsd.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_meets_its_own_checks(name):
    """The [[check]] tables state how many parameters a size has."""
    template = load_template(name)
    assert template.name == name
    for check in template.check:
        circuit = template.circuit(check.norb, check.nelec, check.options)
        assert circuit.n_params == check.n_params


def test_the_published_schema_is_the_models_schema():
    """`circuits/schema.json` is generated, never edited."""
    published = json.loads((data_dir("circuits") / "schema.json").read_text(encoding="utf-8"))
    assert published == Template.model_json_schema(by_alias=True)


@pytest.mark.parametrize("name", TEMPLATES)
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


@pytest.mark.parametrize("name", TEMPLATES)
def test_templates_conserve_what_they_claim(name):
    """Each factor commutes with the number of electrons of the spins named in `conserves`."""
    template = load_template(name)
    assert template.conserves
    for gate in template.circuit(3, (2, 1), {}).gates:
        factors = ladder_factors(gate.generator, 3)
        for spin, claim in enumerate(("n_alpha", "n_beta")):
            changes = [1 if kind == "+" else -1 for kind, mode in factors if mode // 3 == spin]
            assert claim not in template.conserves or sum(changes) == 0


@pytest.mark.parametrize(
    ("old", "new", "remedy"),
    [
        ('"mixed_doubles"', '"mixed_double"', 'Did you mean "mixed_doubles"'),
        ("[[block]]\ngenerator", "[[block]]\ngenerater", 'Did you mean "generator"'),
        ("where =", "wher =", r'unknown key "wher" in \[block\[0\]\]. Did you mean "where"'),
        ("schema = 1", "schema = 2", "schema"),
        ("norb = 2\n", "", r'needs the key "norb". Add it'),
        ("spin_tied]", "spin_tide]", "spin_tied"),
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


def test_a_circuit_refuses_gaps_and_orbitals_outside():
    """Parameters are numbered without gaps, orbitals exist."""
    excitation = Excitation(((0, 2),))
    with pytest.raises(InputError, match="orbitals 0 to 1"):
        Circuit.from_excitations(2, (1, 1), [excitation])
    gates = Circuit.from_excitations(3, (1, 1), [excitation]).gates
    with pytest.raises(InputError, match="without gaps"):
        Circuit(3, (1, 1), gates, n_params=2)
