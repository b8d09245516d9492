"""Who is timed at what: the rows of the table."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.parent import VENVS, Peer

OWN = Peer(name="qmlmat", module="qmlmat_sector")
SIGMA = Peer(name="PySCF sigma build", module="sigma")
LIGHTNING = Peer(name="lightning.qubit", module="lightning")
FFSIM = Peer(name="ffsim", module="ffsim_ucj")
_OPT_IN = "make bench PEERS=all makes it"
_TENCIRCHEM_PYTHON = VENVS / "tencirchem" / "bin" / "python"
TENCIRCHEM = Peer(
    name="TenCirChem-NG numpy",
    module="tencirchem",
    python=_TENCIRCHEM_PYTHON,
    remedy=_OPT_IN,
)
TENCIRCHEM_JAX = Peer(
    name="TenCirChem-NG jax",
    module="tencirchem",
    python=_TENCIRCHEM_PYTHON,
    arguments=("jax",),
    environment={
        "NPROC": "1",  # XLA's own threads
        "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
        "JAX_PLATFORMS": "cpu",
    },
    remedy=_OPT_IN,
)
MINDQUANTUM = Peer(
    name="MindQuantum mqchem",
    module="mindquantum",
    python=VENVS / "mindquantum" / "bin" / "python",
    remedy=_OPT_IN,
)


@dataclass(frozen=True)
class Entry:
    """One row of the table: a job of a program at some sizes."""

    peer: Peer
    """The program."""
    job: str
    """The child's name of the job."""
    title: str
    """As printed."""
    atoms: tuple[int, ...]
    """Chain lengths it is run at."""
    kind: str = "gradient"
    """``own``; ``gradient``: also per generator; ``yardstick`` and ``state``: another task."""
    equal_list: bool = True
    """Whether it has our generators, in number at least; else only per generator."""
    against: str = "qmlmat"
    """Title of our own row that it is compared with."""
    within: str = ""
    """Title of our own gradient that is counted in its runs."""


ALL = (4, 6, 8, 10, 12)
"""Lengths of the chains (atoms)."""
UP_TO_8, UP_TO_10 = ALL[:3], ALL[:4]
LUCJ_ATOMS = (4, 8, 10, 12)
"""Those of the cluster-Jastrow circuit."""
LUCJ, LUCJ_STATE = "qmlmat LUCJ, energy + gradient", "qmlmat LUCJ, state"
"""Titles of our rows of the cluster-Jastrow circuit, two layers."""
OWN_SIGMA = "qmlmat sigma build"
"""Title of our row beside the yardstick."""

STANDARD = (
    Entry(OWN, "uccsd", "qmlmat", ALL, "own"),
    Entry(
        SIGMA,
        "sigma",
        "PySCF sigma build",
        ALL,
        "yardstick",
        against=OWN_SIGMA,
        within="qmlmat",
    ),
    Entry(OWN, "sigma", OWN_SIGMA, ALL, "own"),
    Entry(LIGHTNING, "uccsd", "lightning.qubit adjoint", UP_TO_8),
    Entry(OWN, "complex sigma", "qmlmat sigma build, complex", LUCJ_ATOMS, "own"),
    Entry(OWN, "lucj", LUCJ, LUCJ_ATOMS, "own"),
    Entry(OWN, "lucj state", LUCJ_STATE, LUCJ_ATOMS, "own"),
    Entry(
        FFSIM,
        "lucj state",
        "ffsim LUCJ, state",
        LUCJ_ATOMS,
        "state",
        against=LUCJ_STATE,
        within=LUCJ,
    ),
)
"""What every run times."""

OPT_IN = tuple(
    Entry(peer, job, f"{peer.name}, {text}", UP_TO_10, "gradient", equal)
    for peer in (TENCIRCHEM, TENCIRCHEM_JAX, MINDQUANTUM)
    for job, text, equal in (("uccsd", "our list", True), ("own list", "its list", False))
)
"""What ``PEERS=all`` adds."""

ROUNDS = {4: 15, 6: 15, 8: 11, 10: 7, 12: 5, 14: 1}
"""Samples of each program by chain length, before the time budget."""
