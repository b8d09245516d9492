"""Our devices inside of other programs, on the smallest chain. Times are never judged."""

from __future__ import annotations

import numpy as np
import pennylane as qml
import pytest

from benchmarks import plugins
from qmlmat.backends.pennylane.operators import from_pennylane
from qmlmat.operators.jordan_wigner import molecular_pauli_sum


def test_words_on_alternating_wires_are_pennylanes():
    """From the same integrals, word by word: PennyLane's own mapping of its own Hamiltonian."""
    places = np.array([[0.0, 0.0, plugins.SPACING * k] for k in range(4)])
    molecule = qml.qchem.Molecule(["H"] * 4, places, unit="angstrom")
    core, one_body, two_body = qml.qchem.electron_integrals(molecule)()
    theirs, _ = qml.qchem.molecular_hamiltonian(molecule, method="dhf")
    ours = plugins.interleaved(
        molecular_pauli_sum(
            np.asarray(one_body),
            np.asarray(two_body).transpose(0, 3, 1, 2),  # physicists' order
            float(np.sum(core)),
        )
    )
    found, expected = dict(ours.words()), dict(from_pennylane(theirs).words())
    worst = max(abs(found.get(word, 0) - expected.get(word, 0)) for word in found | expected)
    assert worst < 1e-10


@pytest.mark.parametrize("kind", ["templates", "UCCSD"])
def test_our_device_computes_what_lightning_does(kind):
    """Energy and gradient, through the same QNode; the row says its chain and its times."""
    chain = plugins.Chain(2)
    rows = plugins.pennylane_rows(chain, kind, expected=0.0, limit=1.0, budget=0.0)
    assert [row.interface for row in rows] == ["autograd", "torch"]
    for row in rows:
        assert row.difference < 1e-10
        assert 0.0 < row.inside < 1.0
        assert row.text().split()[:4] == ["H2", kind, str(chain.n_gates), str(chain.words.n_terms)]


def test_without_lightning_the_row_has_gaps():
    rows = plugins.pennylane_rows(
        plugins.Chain(2), "templates", expected=9.0, limit=1.0, budget=0.0
    )
    assert all("lightning" not in row.times for row in rows)
    assert "nan" not in rows[0].text()


def test_memory_is_of_one_energy_and_gradient():
    found = plugins.measure_memory("ours", 4, is_word=False)
    assert found["MB"] >= 0.0
    assert found["energy"] > -3.0  # above the exact energy of this chain
