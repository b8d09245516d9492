"""Edges, gaps and splittings of bands: the sheets' known values, and what cannot be known."""

from dataclasses import replace

import numpy as np
import pytest
from bands import MOS2, bands_of, troubled

import qmlmat as qm
from qmlmat.errors import InputError
from qmlmat.surfaces import band_edges, band_table

GAPS = {
    "MoS2": (1.6560, 1.5849, 1.6579, 0.146),
    "WS2": (1.8062, 1.5952, 1.8062, 0.422),
    "MoSe2": (1.4293, 1.3383, 1.4293, 0.182),
    "WSe2": (1.5412, 1.3132, 1.5412, 0.456),
    "MoTe2": (1.0717, 0.9647, 1.0717, 0.214),
    "WTe2": (1.0668, 0.8298, 1.0668, 0.474),
}
"""Gap along Gamma-K-M-Gamma without and with spin-orbit coupling, gap at K, splitting of the
valence band at K (eV): numpy's eigenvalues of the closed-form third-neighbour model, GGA."""


@pytest.mark.parametrize("material", GAPS)
def test_gaps_along_the_path_are_those_of_the_model(material):
    """With and without spin-orbit coupling, whose splitting at K is 2 lambda."""
    plain, coupled = (band_edges(bands_of(material, soc=soc)) for soc in (False, True))
    without, with_soc, at_k, splitting = GAPS[material]
    assert plain.gap == pytest.approx(without, abs=6e-5)
    assert coupled.gap == pytest.approx(with_soc, abs=6e-5)
    assert plain.point_gaps["K"] == pytest.approx(at_k, abs=6e-5)
    assert coupled.valence_splittings["K"] == pytest.approx(splitting, abs=1e-9)
    assert plain.kind == coupled.kind == "insulator"
    assert plain.is_direct == (material != "MoS2")
    assert coupled.is_direct
    assert coupled.direct_at == "K"


def test_the_valence_maximum_of_mos2_is_at_gamma_by_two_millielectronvolts():
    """Third neighbours without spin-orbit coupling: an indirect gap, and the direct one at K."""
    edges = band_edges(bands_of("MoS2"))
    assert (edges.valence.place, edges.conduction.place) == ("G", "K")
    assert edges.direct_gap - edges.gap == pytest.approx(1.9e-3, abs=5e-5)
    assert edges.direct_at == "K"
    assert edges.valence.spin is None
    assert edges.valence_splittings == {}


def test_spin_orbit_coupling_names_the_spin_of_an_edge():
    """Up at K, down at K': time reversal. The conduction edge at K is degenerate."""
    edges = band_edges(bands_of("MoS2", soc=True))
    assert edges.valence.spin == "up"
    assert edges.conduction.spin is None
    other = qm.k_path(MOS2, "GK1", n_points=5)
    mirrored = band_edges(qm.scan(qm.BandSurface(MOS2, qm.Exact()), other))
    assert mirrored.valence.spin == "down"
    assert mirrored.valence.place == "K1"
    assert mirrored.gap == pytest.approx(edges.gap, abs=1e-9)
    assert edges.valence_splittings["G"] == pytest.approx(0.0, abs=1e-9)
    assert edges.conduction_splittings["K"] == pytest.approx(0.0, abs=1e-9)


def test_graphene_touches_at_k():
    """A semimetal, said so: no gap of 1e-15 eV."""
    edges = band_edges(bands_of("graphene"))
    assert edges.kind == "semimetal"
    assert edges.gap == 0.0
    assert edges.valence.place == edges.conduction.place == "K"
    assert edges.point_gaps["M"] == pytest.approx(5.6)


def test_boron_nitride_has_its_gap_at_k():
    """The difference of the two atoms: 3.34 + 1.4 eV."""
    edges = band_edges(bands_of("h-BN"))
    assert edges.gap == pytest.approx(4.74)
    assert edges.is_direct
    assert edges.valence.energy == pytest.approx(-1.4)


def test_bands_that_overlap_are_a_metal():
    """Highest occupied above lowest empty, at different k."""
    scan = bands_of("MoS2")
    surface = {**scan.inputs["surface"], "n_occupied": 2}
    edges = band_edges(replace(scan, inputs={**scan.inputs, "surface": surface}))
    assert edges.kind == "metal"
    assert edges.gap == 0.0
    assert edges.valence.energy > edges.conduction.energy
    assert not edges.is_direct


def test_errors_are_the_largest_of_each_band():
    """At any k and spin, against plain diagonalisation."""
    edges = band_edges(troubled(bands_of("MoS2", soc=True)))
    np.testing.assert_allclose(edges.errors, [2e-5, 4e-5, 6e-5], atol=1e-12)


def test_a_place_between_special_points_is_a_share_of_the_way():
    """The conduction minimum of MoS2 between Gamma and M is not at a corner."""
    model = qm.monolayer("MoS2", model="tnn")
    scan = qm.scan(qm.BandSurface(model, qm.Exact()), qm.k_path(model, "GM", n_points=11))
    edges = band_edges(scan)
    assert 0 < edges.conduction.index < 10
    assert edges.conduction.place == f"{edges.conduction.index / 10:.2f} from G to M"


def test_points_without_energies_are_left_out():
    """Of an unfinished scan the edges are those of the points so far."""
    scan = bands_of("MoS2")
    results = [
        None if point.label == "G" else r
        for point, r in zip(scan.path.kpoints, scan.results, strict=True)
    ]
    edges = band_edges(replace(scan, results=tuple(results)))
    assert edges.valence.place == "K"
    assert np.isnan(edges.point_gaps["G"])


def test_a_store_keeps_what_edges_need(tmp_path):
    """Spins, names of special points and the number of occupied bands come back with it."""
    path = qm.k_path(MOS2, n_points=5)
    found = qm.scan(qm.BandSurface(MOS2, qm.Exact()), path, store=tmp_path / "bands.db")
    loaded = band_edges(qm.load_scan(tmp_path / "bands.db"))
    assert loaded.valence == band_edges(found).valence
    assert loaded.valence_splittings == band_edges(found).valence_splittings


def _changed(scan, **changes):
    surface = {**scan.inputs["surface"], **changes}
    return replace(scan, inputs={**scan.inputs, "surface": surface})


@pytest.mark.parametrize(
    ("scan", "remedy"),
    [
        (lambda: _changed(bands_of("MoS2"), n_occupied=None), "Make it with n_occupied"),
        (lambda: _changed(bands_of("MoS2"), n_occupied=3), "one band more than are occupied"),
        (lambda: replace(bands_of("MoS2"), results=(None,) * 31), "Go on with the scan first"),
        (lambda: _changed(bands_of("MoS2", soc=True), n_occupied=6), "Scan both spins"),
    ],
)
def test_what_the_bands_do_not_say_is_refused(scan, remedy):
    """No number of occupied bands, or nothing above them, or nothing at all."""
    with pytest.raises(InputError, match=remedy):
        band_edges(scan())


def test_one_spin_has_its_half_of_the_electrons():
    """Spin up alone: one occupied band of three."""
    path = qm.k_path(MOS2, n_points=7, spin="up")
    edges = band_edges(qm.scan(qm.BandSurface(MOS2, qm.Exact()), path))
    assert edges.valence.spin == "up"
    assert edges.gap == pytest.approx(1.5849, abs=6e-5)
    assert edges.valence_splittings == {}


def test_a_molecule_has_no_bands():
    h2 = qm.Molecule(("H", "H"), [[0, 0, 0], [0, 0, 0.74]])
    scan = qm.scan(qm.FunctionSurface(np.sum, "eV"), qm.stretch(h2, (0, 1), [0.7, 0.8]))
    with pytest.raises(InputError, match=r"scan\(BandSurface\(model, solver\)"):
        band_table(scan)
