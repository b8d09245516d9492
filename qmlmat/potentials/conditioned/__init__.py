"""Geometry-conditioned circuits: angles from a network, energies from the Hamiltonian."""

from qmlmat.potentials.conditioned.circuit import ConditionedCircuit
from qmlmat.potentials.conditioned.coordinates import LogRatio
from qmlmat.potentials.conditioned.measured import (
    MeasuredCurve,
    circuit_requests,
    measure_circuit,
)
from qmlmat.potentials.conditioned.readout import (
    EigenvectorContinuation,
    Readout,
    SubspaceReadout,
)
from qmlmat.potentials.conditioned.references import shared_references
from qmlmat.potentials.conditioned.source import HamiltonianSource

__all__ = [
    "ConditionedCircuit",
    "EigenvectorContinuation",
    "HamiltonianSource",
    "LogRatio",
    "MeasuredCurve",
    "Readout",
    "SubspaceReadout",
    "circuit_requests",
    "measure_circuit",
    "shared_references",
]
