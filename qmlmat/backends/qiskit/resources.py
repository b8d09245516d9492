"""Gates and depth of circuits after transpilation to a device."""

import qiskit  # noqa: F401
