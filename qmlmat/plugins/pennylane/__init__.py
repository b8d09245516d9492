"""Our simulator inside of PennyLane: ``qml.device("qmlmat.sector", wires=...)``.

``conserving_gates`` writes the fermionic circuits of this package in PennyLane's gates.
"""

from qmlmat.plugins.pennylane.device import SectorDevice
from qmlmat.plugins.pennylane.export import conserving_gates

__all__ = ["SectorDevice", "conserving_gates"]
