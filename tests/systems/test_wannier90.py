"""Wannier90's files: bands survive them, and a broken one is refused by its line."""

import numpy as np
import pytest

from qmlmat.errors import InputError
from qmlmat.systems import (
    TightBindingModel,
    graphene,
    hexagonal_boron_nitride,
    load_wannier90,
    monolayer,
    save_wannier90,
)

MOMENTA = np.random.default_rng(11).uniform(-1, 1, (40, 3))
MODELS = (
    graphene(),
    hexagonal_boron_nitride(),
    monolayer("WSe2", model="tnn"),
    monolayer("MoS2", model="tnn", soc=True),
)
CUBE = 3.0 * np.eye(3)

# A chain of one orbital with complex hopping: degeneracy 2 at +-1, as on a zone boundary.
CHAIN = """ written on  1Jan2026 at 00:00:00
           1
           3
    2    1    2
   -1    0    0    1    1   -1.000000   -0.500000
    0    0    0    1    1    0.250000    0.000000
    1    0    0    1    1   -1.000000    0.500000
"""


def _pair(rows):
    """A file with two orbitals and R = 0 only."""
    return "two\n 2\n 1\n 1\n" + "".join(f"0 0 0 {row}\n" for row in rows)


GOOD_ROWS = ("1 1 0.5 0.0", "2 1 0.1 0.2", "1 2 0.1 -0.2", "2 2 0.7 0.0")


def _load(tmp_path, text, **keywords):
    file = tmp_path / "model_hr.dat"
    file.write_text(text, encoding="utf-8")
    return load_wannier90(file, **({"cell": CUBE} | keywords))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_bands_survive_a_file(model, tmp_path):
    """To 1e-10 eV at random momenta, and the hoppings bit by bit."""
    save_wannier90(model, tmp_path / "sheet_hr.dat")
    back = load_wannier90(tmp_path / "sheet_hr.dat", cell=model.cell)
    np.testing.assert_allclose(back.bands(MOMENTA), model.bands(MOMENTA), rtol=0, atol=1e-10)
    np.testing.assert_array_equal(back.hoppings, model.hoppings)
    np.testing.assert_array_equal(back.translations, model.translations)


def test_a_written_file_is_written_as_wannier90_does(tmp_path):
    """Comment, counts, 15 degeneracies a line; then R, m, n, the first index fastest."""
    model = monolayer("MoS2", model="tnn")
    save_wannier90(model, tmp_path / "mos2_hr.dat")
    lines = (tmp_path / "mos2_hr.dat").read_text(encoding="utf-8").splitlines()
    assert [line.split() for line in lines[1:5]] == [["3"], ["19"], ["1"] * 15, ["1"] * 4]
    assert len(lines) == 5 + 19 * 9
    place = 5 + 9 * model.translations.tolist().index([1, 0, 0]) + 1
    assert lines[place].split()[:5] == ["1", "0", "0", "2", "1"]
    assert float(lines[place].split()[5]) == pytest.approx(0.114, abs=1e-12)  # -t1


def test_degeneracies_are_divided_out(tmp_path):
    """E(k) = e + 2 Re(t exp(2 pi i k)), with half of what the file says for t."""
    model = _load(tmp_path, CHAIN)
    k = np.linspace(0, 1, 9)
    hopping = (-1.0 + 0.5j) / 2
    expected = 0.25 + 2 * (hopping * np.exp(2j * np.pi * k)).real
    bands = model.bands(np.stack([k, 0 * k, 0 * k], axis=1))
    np.testing.assert_allclose(bands[:, 0], expected, rtol=0, atol=1e-12)


def test_entries_of_one_cell_may_come_in_any_order(tmp_path):
    """Each names its place."""
    first, second = (_load(tmp_path, _pair(rows)) for rows in (GOOD_ROWS, GOOD_ROWS[::-1]))
    np.testing.assert_array_equal(first.hoppings, second.hoppings)
    np.testing.assert_array_equal(first.hoppings[0], [[0.5, 0.1 - 0.2j], [0.1 + 0.2j, 0.7]])


def test_rounding_to_six_decimals_is_no_skew(tmp_path):
    """The last printed digits of a pair may differ; the model shares the difference."""
    model = _load(tmp_path, _pair(["1 1 0.5 0.0", "2 1 0.100001 0.2", *GOOD_ROWS[2:]]))
    assert model.hoppings[0, 0, 1] == pytest.approx(0.1000005 - 0.2j, abs=1e-12)


def test_names_come_from_the_file_or_the_user(tmp_path):
    model = _load(tmp_path, CHAIN)
    assert (model.name, model.orbitals, model.n_occupied) == ("model", ("w1",), None)
    assert model.source == "model_hr.dat: written on  1Jan2026 at 00:00:00"
    named = _load(tmp_path, CHAIN, name="chain", orbitals=["s"], n_occupied=1, path="XG")
    assert (named.name, named.orbitals, named.n_occupied) == ("chain", ("s",), 1)
    assert named.default_path == "XG"


def test_momenta_have_the_names_of_the_lattice(tmp_path):
    """Of a sheet where nothing hops across it, whichever corner K is."""
    save_wannier90(graphene(), tmp_path / "sheet_hr.dat")
    turned = graphene().cell @ np.array([[0.6, 0.8, 0], [-0.8, 0.6, 0], [0, 0, 1]])
    for cell in (graphene().cell, turned):
        back = load_wannier90(tmp_path / "sheet_hr.dat", cell=cell)
        assert back.default_path == "GMKG"
        np.testing.assert_allclose(back.at("K").levels, [0, 0], rtol=0, atol=1e-11)
        np.testing.assert_allclose(back.at("M").levels, [-2.8, 2.8], rtol=0, atol=1e-11)


def test_directions_without_hopping_have_no_momenta(tmp_path):
    """A chain in a cubic box has Gamma and X; a molecule in it has no path."""
    assert _load(tmp_path, CHAIN).default_path == "GX"
    assert _load(tmp_path, CHAIN).special_points == {"G": (0, 0, 0), "X": (0.5, 0, 0)}
    molecule = _load(tmp_path, _pair(GOOD_ROWS))
    assert (molecule.default_path, dict(molecule.special_points)) == ("", {})
    assert "no path" in molecule.notes[0]


def test_a_lattice_unknown_to_ase_has_no_named_momenta(tmp_path, monkeypatch):
    """The bands are there all the same, and a note says why the names are not."""
    import ase.cell

    def refuse(*_, **__):
        raise RuntimeError("no such lattice")

    monkeypatch.setattr(ase.cell.Cell, "bandpath", refuse)
    model = _load(tmp_path, CHAIN)
    assert (model.default_path, dict(model.special_points)) == ("", {})
    assert "no such lattice" in model.notes[0]
    assert model.bands([0, 0, 0])[0] == pytest.approx(-0.75)


def _changed(number, line):
    """The chain's file with one line (counted from 1) replaced, or left out."""
    lines = CHAIN.splitlines()
    lines[number - 1 : number] = [] if line is None else [line]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("", "ends after line 0. Expected one positive whole number, the number of Wannier"),
        (_changed(2, "  0"), 'line 2 is "0". Expected one positive whole number'),
        (_changed(2, "  1 3"), "line 2 .* one positive whole number"),
        (_changed(2, "one"), 'line 2 is "one"'),
        (_changed(3, "-3"), 'line 3 is "-3". .* the number of translations R'),
        ("c\n1\n", "ends after line 2. .* the number of translations R"),
        (_changed(3, "2"), "line 4 .* degeneracies, 2 .* 2 in all"),
        (_changed(3, "4"), "line 5 .* degeneracies, 1 positive"),
        (_changed(4, "2 0 2"), 'line 4 is "2 0 2". Expected degeneracies, 3'),
        (_changed(4, "2 x 2"), 'line 4 is "2 x 2"'),
        (_changed(4, "2 1.5 2"), 'line 4 is "2 1.5 2"'),
        ("c\n1\n3\n2 1\n", "ends after line 4. Expected degeneracies, 1"),
        (_changed(7, None), "ends after line 6. Expected 3 entries, .* from line 5 on"),
        (_changed(6, "0 0 0 1 1 0.25"), "line 6 .* Expected 7 finite numbers"),
        (_changed(6, "0 0 0 1 1 nan 0"), 'line 6 is "0 0 0 1 1 nan 0". Expected 7 finite'),
        (_changed(6, "0 0 0 1 1 0.25 ****"), "line 6 .* Expected 7 finite numbers"),
        (_changed(6, "0 0.5 0 1 1 0.25 0"), "line 6 .* the first five of them whole"),
        (_changed(6, "0 0 0 1 2 0.25 0"), "line 6 .* m and n between 1 and 1"),
        (_changed(6, "0 0 0 0 1 0.25 0"), "line 6 .* m and n between 1 and 1"),
        (_changed(6, "1 0 0 1 1 -1 0.5"), "line 7 .* another R: .* start at line 6"),
        (CHAIN + "2 0 0 1 1 0 0\n", "line 8 .* Expected the end of the file after 3 entries"),
        (_changed(7, "2 0 0 1 1 -1 0.5"), r"line 5 .* opposite of this R, too: \(1, 0, 0\) is"),
        (_changed(7, "1 0 0 1 1 -1 -0.5"), "line 5 .* the adjoint .* 0.5 eV .* not be Hermitian"),
        (_pair([GOOD_ROWS[0], *GOOD_ROWS[:3]]), "line 6 .* another m and n: these were given"),
        (_pair(["1 1 0.5 0.1", *GOOD_ROWS[1:]]), "line 5 .* 0.2 eV .* not be Hermitian"),
        (
            "two\n2\n2\n1 1\n0 0 0 1 1 0 0\n1 0 0 1 1 0 0\n" + 6 * "0 0 0 1 2 0 0\n",
            r"line 6 .* R = \(0, 0, 0\), which has 4 entries",
        ),
    ],
)
def test_a_malformed_file_is_refused_by_its_line(text, remedy, tmp_path):
    with pytest.raises(InputError, match=f"(?s){remedy}.*repair that line"):
        _load(tmp_path, text)


def test_every_file_cut_off_is_refused(tmp_path):
    """After any of its lines, and never read as less."""
    lines = CHAIN.splitlines()
    for n_kept in range(len(lines)):
        with pytest.raises(InputError, match=f"ends after line {n_kept}"):
            _load(tmp_path, "\n".join(lines[:n_kept]))


@pytest.mark.parametrize(
    ("keywords", "remedy"),
    [
        ({"cell": np.eye(2)}, "load_wannier90.* Use 3 lattice vectors as rows"),
        ({"cell": np.ones((3, 3))}, "span no volume"),
        ({"orbitals": ("s", "p")}, "2 orbitals.* one matrix for each translation"),
        ({"n_occupied": 2}, "Use 1 to 1"),
        ({"path": "GK"}, 'holds "K".*Known: G, X'),
    ],
)
def test_what_does_not_fit_to_the_file_is_refused(keywords, remedy, tmp_path):
    with pytest.raises(InputError, match=remedy):
        _load(tmp_path, CHAIN, **keywords)


def test_a_file_out_of_reach_is_refused(tmp_path):
    """None to read, or none that can be written."""
    with pytest.raises(InputError, match=r"cannot be read .* Check the path"):
        load_wannier90(tmp_path / "none_hr.dat", cell=CUBE)
    with pytest.raises(InputError, match="a folder that exists"):
        save_wannier90(graphene(), tmp_path / "nowhere" / "x_hr.dat")


def test_a_model_in_three_dimensions_survives_a_file(tmp_path):
    """Random hoppings to cells in all directions."""
    rng = np.random.default_rng(2)
    cells = [(0, 0, 0), (1, 0, 0), (0, 1, -1), (2, -1, 3)]
    blocks = rng.standard_normal((4, 3, 3)) + 1j * rng.standard_normal((4, 3, 3))
    blocks[0] += blocks[0].conj().T
    model = TightBindingModel(
        name="a name\nof two lines",
        cell=rng.standard_normal((3, 3)) + 4 * np.eye(3),
        translations=cells + [tuple(-c for c in cell) for cell in cells[1:]],
        hoppings=[*blocks, *(block.conj().T for block in blocks[1:])],
        orbitals=("a", "b", "c"),
    )
    save_wannier90(model, tmp_path / "x_hr.dat")
    back = load_wannier90(tmp_path / "x_hr.dat", cell=model.cell)
    np.testing.assert_allclose(back.bands(MOMENTA), model.bands(MOMENTA), rtol=0, atol=1e-12)
    assert back.default_path
    assert back.at("G").levels == pytest.approx(model.bands([0, 0, 0]))
