"""Fake and simulated devices, restricted to the qubits that are used."""

import qiskit  # noqa: F401
import qiskit_aer  # noqa: F401
import qiskit_ibm_runtime  # noqa: F401
