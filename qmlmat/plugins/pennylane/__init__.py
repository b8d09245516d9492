"""Our simulator inside of PennyLane: ``qml.device("qmlmat.sector", wires=...)``."""
