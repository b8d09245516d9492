"""Quantum machine learning for molecules and materials.

Describe a molecule, choose how to solve it, and follow it along a path:

    import qmlmat as qm

    h2 = qm.Molecule.from_xyz("H 0 0 0; H 0 0 0.735")
    solution = qm.solve(qm.molecular_hamiltonian(h2), qm.VQE("uccsd"))
    curve = qm.scan(qm.SolverSurface(h2, qm.ActiveSpace(), qm.VQE("uccsd")),
                    qm.stretch(h2, (0, 1), [0.6, 0.735, 0.9]))

Energies are in hartree, positions in ångström, angles in radians.
"""

import importlib
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qmlmat._api import *  # noqa: F403
    from qmlmat._api import __all__ as __all__

try:
    __version__ = version("qmlmat")
except PackageNotFoundError:  # run from a checkout that was never installed
    __version__ = "0+unknown"


def __getattr__(name: str) -> Any:  # noqa: ANN401 (whatever the name stands for)
    """Load the public names on first use: `qmlmat --help` need not wait for torch and PySCF."""
    if name.startswith("__") and name != "__all__":
        raise AttributeError(f"module 'qmlmat' has no attribute '{name}'")
    api = importlib.import_module("qmlmat._api")
    if name == "__all__":
        return api.__all__
    if name not in api.__all__:
        raise AttributeError(f"module 'qmlmat' has no attribute '{name}'")
    value = globals()[name] = getattr(api, name)
    return value


def __dir__() -> list[str]:
    """Return the public names."""
    return [*importlib.import_module("qmlmat._api").__all__, "__version__"]
