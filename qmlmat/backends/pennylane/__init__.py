"""PennyLane's doors: circuits, operators, devices."""
