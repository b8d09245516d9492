"""What edges and errors of bands are in words."""

from dataclasses import replace

import pytest
from bands import bands_of, troubled

from qmlmat.report.band_words import (
    difference_sentence,
    edges_sentence,
    error_sentence,
    known_edges,
    point_symbols,
    splitting_sentence,
)
from qmlmat.surfaces import band_edges


@pytest.mark.parametrize(
    ("words", "written"),
    [
        ("G", "Γ"),
        ("K1", "K′"),
        ("0.25 from G to M1", "0.25 from Γ to M′"),
        ("k = (0.1000, 0.2000, 0.0000)", "k = (0.1000, 0.2000, 0.0000)"),
    ],
)
def test_special_points_are_written_as_in_papers(words, written):
    assert point_symbols(words) == written


def test_a_gap_is_said_with_its_places():
    """Direct ones in one line; of an indirect gap both edges and the direct one."""
    assert edges_sentence(band_edges(bands_of("h-BN"))) == "Gap 4.7400 eV, direct at K."
    assert edges_sentence(band_edges(bands_of("MoS2"))) == (
        "Gap 1.6560 eV, indirect: valence maximum at Γ, conduction minimum at K; smallest direct "
        "gap 1.6579 eV at K."
    )
    soc = band_edges(bands_of("MoS2", soc=True))
    assert edges_sentence(soc) == "Gap 1.5849 eV, direct at K (spin up)."
    assert splitting_sentence(soc).endswith("valence band 0.1460 eV at K.")


def test_a_direct_gap_is_at_one_k_where_edges_differ_by_less_than_is_told_apart():
    """A valence maximum at G, 0.05 meV above that at K, makes no gap at G."""
    edges = band_edges(bands_of("h-BN"))
    elsewhere = replace(edges.valence, place="G", energy=edges.valence.energy + 5e-5)
    assert edges_sentence(replace(edges, valence=elsewhere)) == "Gap 4.7400 eV, direct at K."


def test_a_material_without_a_gap_is_said_to_have_none():
    """Touching bands are not a gap of 1e-15 eV, and overlapping ones are a metal."""
    touching = band_edges(bands_of("graphene"))
    assert edges_sentence(touching) == "No gap: valence and conduction band touch at K."
    assert splitting_sentence(touching) == ""
    metal = replace(
        touching,
        kind="metal",
        valence=replace(touching.valence, energy=0.2),
        conduction=replace(touching.conduction, place="G"),
    )
    assert "No gap: bands overlap by 0.2000 eV, valence maximum at K" in edges_sentence(metal)


def test_differences_from_diagonalisation_are_of_each_band():
    """In meV; of exact diagonalisation there is nothing to say."""
    assert error_sentence(bands_of("MoS2")) == ""
    assert "0.02, 0.04, 0.06 meV (bands 1 to 3)" in error_sentence(troubled(bands_of("MoS2")))
    assert "1 meV (one band)" in difference_sentence(band_edges(bands_of("h-BN")).errors[:1] + 1e-3)


def test_edges_that_are_not_known_are_none():
    """A file of hoppings does not say how many bands are occupied."""
    scan = bands_of("graphene")
    surface = {**scan.inputs["surface"], "n_occupied": None}
    assert known_edges(replace(scan, inputs={**scan.inputs, "surface": surface})) is None
