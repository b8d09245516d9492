"""What backends on qubits share: lowered circuits, shift rules, measurement and its errors."""
