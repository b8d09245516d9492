"""Qiskit's V2 primitives for circuits that conserve the electrons: only their sector is simulated.

``SectorEstimator`` and ``SectorSampler`` take the place of Qiskit's ``StatevectorEstimator`` and
``StatevectorSampler``; ``conserving_circuit`` writes the fermionic circuits of this package as
Qiskit's, in gates that any simulator or device runs and that these two recognise.
"""

from qmlmat.plugins.qiskit.excitation import ExcitationGate
from qmlmat.plugins.qiskit.export import conserving_circuit
from qmlmat.plugins.qiskit.primitives import SectorEstimator, SectorSampler

__all__ = ["ExcitationGate", "SectorEstimator", "SectorSampler", "conserving_circuit"]
