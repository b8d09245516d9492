"""Settings of every test: one thread per process, repeatable properties, no window for figures."""

from __future__ import annotations

import os

# Before the first import of numpy, torch or numba. Two test processes on two cores must not each
# start a thread per core, and sums must not be split differently on another machine.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import torch  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))

# Derandomized: a failure on one machine is a failure on all. No deadline: the first call of a
# compiled kernel takes seconds.
settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("repeatable")
