"""IBM's devices, through the client-side primitives of ``qiskit-ibm-runtime``."""
