"""Tables and figures of spectra: their numbers are the spectrum's, their words are true."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.image import imread

import qmlmat as qm
from qmlmat.errors import InputError
from qmlmat.report import draw_spectrum, spectrum_heading

FROZEN = qm.ActiveSpace(freeze_core=True)
LIH = qm.Molecule.from_xyz("Li 0 0 0; H 0 0 1.5949")


@pytest.fixture(scope="module")
def spectrum():
    solution = qm.solve(qm.molecular_hamiltonian(LIH, FROZEN), qm.Exact(), n_states=7)
    return qm.absorption_spectrum(LIH, FROZEN, solution)


def test_the_table_has_a_row_for_each_line(spectrum):
    text = str(qm.spectrum_table(spectrum))
    assert "LiH · sto-3g · (2e, 5o) · exact" in text
    for line in spectrum.transitions:
        assert f"{line.energy:.4f}" in text
        assert line.label in text
    assert "5, 6" in text
    assert "0.5019" in text
    assert "0 (spin)" in text
    assert "error" not in text


def test_the_table_shows_errors_where_they_are_known(spectrum):
    """Of an approximate solution its own; beside an exact spectrum the properties', too."""
    found = spectrum.properties.solution
    provenance = dict(found.provenance) | {"solver": {"solver": "ssvqe"}}
    exact = np.where(np.arange(7) == 1, np.nan, found.energies - 0.001 * np.arange(7))
    other = replace(found, provenance=provenance, reference_energies=exact)
    approximate = qm.absorption_spectrum(LIH, FROZEN, other)
    text = str(qm.spectrum_table(approximate))
    assert "+0.0544" in text  # 2 mHa
    assert "–" in text
    assert "infidelity" not in text
    assert "infidelity" in str(qm.spectrum_table(approximate, exact=spectrum))


def test_the_heading_names_an_ion():
    molecule = qm.Molecule.from_xyz("He 0 0 0; H 0 0 0.9", charge=1)
    solution = qm.solve(qm.molecular_hamiltonian(molecule), qm.Exact(), n_states=2)
    found = qm.absorption_spectrum(molecule, None, solution)
    assert " (charge +1) · sto-3g · (2e, 2o) · exact" in spectrum_heading(found)


def test_the_heading_names_the_solver_and_what_it_excites(spectrum):
    ground = {"solver": "vqe", "ansatz": {"template": "uccsd"}}
    for solver, words in (
        ({"solver": "ssvqe", "ansatz": {"template": "uccgsd"}}, "SSVQE uccgsd"),
        ({"solver": "adapt", "pool": {"template": "uccgsd"}}, "ADAPT from uccgsd"),
        ({"solver": "eom", "method": "q-sc-EOM", "ground": ground}, "q-sc-EOM on VQE uccsd"),
    ):
        found = replace(spectrum.properties.solution, provenance={"solver": solver})
        other = qm.absorption_spectrum(LIH, FROZEN, found)
        assert spectrum_heading(other).endswith(words)


def test_the_figure_shows_lines_at_their_places(spectrum):
    figure = draw_spectrum(spectrum, width=0.2)
    axes = figure.axes[0]
    segments = [s for collection in axes.collections for s in collection.get_segments()]
    drawn = sorted((segment[1, 0], segment[1, 1]) for segment in segments)
    bright = [
        (x.energy, x.oscillator_strength) for x in spectrum.transitions if x.multiplicity == 1
    ]
    assert np.array(drawn) == pytest.approx(np.array(bright))
    dark = next(line for line in axes.lines if line.get_marker() == "|")
    assert dark.get_xdata() == pytest.approx(
        [x.energy for x in spectrum.transitions if x.multiplicity == 3]
    )
    words = " ".join(text.get_text() for text in figure.texts)
    assert "Gaussians of 0.2 eV" in " ".join(words.split())
    assert "dark transitions" in " ".join(words.split())
    curve = figure.axes[1].lines[0]
    expected = spectrum.broadened(width=0.2)
    assert curve.get_ydata() == pytest.approx(expected.absorptivity / 1e3)


def test_the_figure_goes_into_a_file(spectrum, tmp_path):
    file = qm.plot_spectrum(spectrum, tmp_path / "uv.png", title="LiH", shape="lorentzian")
    assert imread(file).shape[0] > 500


def test_files_and_spectra_that_cannot_be_drawn_are_refused(spectrum, tmp_path):
    with pytest.raises(InputError, match=r'plot_spectrum\("uv.xyz"\): a figure\'s name ends in'):
        qm.plot_spectrum(spectrum, "uv.xyz")
    solution = spectrum.properties.solution
    down = qm.absorption_spectrum(LIH, FROZEN, solution, initial=6)
    with pytest.raises(InputError, match="no line goes upwards"):
        qm.plot_spectrum(down, tmp_path / "uv.png")
