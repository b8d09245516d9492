"""What happens in randomised runs of the vendors' real clients, and what is submitted in them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hardware_plans import energy_requests, reduced
from real_children import READ_S
from rehearsed_surfaces import brisk

import qmlmat as qm
from qmlmat.hardware.config import Target
from qmlmat.hardware.plan import MeasurementPlan

GRACE_S = 2.0
"""Time for which a job must not be found until it counts as absent (s)."""
KINDS: Mapping[str, tuple[str, ...]] = {
    "http500_after_accept": ("submit", "status", "find", "result"),
    "http502_after_accept": ("submit", "status"),
    "http503_after_accept": ("submit", "find"),
    "drop_after_accept": ("submit", "status", "result"),
    "drop_before_accept": ("submit", "find", "result"),
    "http429": ("submit", "status", "find"),
    "http401": ("submit", "status", "find"),
    "http400": ("submit",),
    "timeout": ("submit", "result"),
    "truncated": ("submit", "result", "find"),
    "corrupt": ("result", "submit", "status"),
    "failed_job": ("submit",),
    "slow_index": ("find",),
}
"""Where each kind of fault happens."""
MOMENTS = ("accept:1", "accept:1", "accept:2", "payload", "raw", "time")
"""When a child is killed."""
VENDORS = ("ibm", "braket", "ibm", "braket", "ibm", "braket", "ibm", "braket", "ionq")
TARGETS = {
    "ibm": ("ibm_open", "ibm_open", "ibm_payg"),
    "braket": ("braket_garnet", "braket_garnet", "braket_sv1"),
    "ionq": ("ionq_simulator",),
}


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What happens in a run."""

    number: int
    """Its number."""
    vendor: str
    """Whose client."""
    target: str
    """A shipped target."""
    n_points: int = 1
    """Geometries of H2."""
    max_programs: int = 3
    """Programs of a job."""
    faults: tuple[Mapping[str, Any], ...] = ()
    """What the server does."""
    kills: tuple[str, ...] = ()
    """When children are killed."""
    n_processes: int = 1
    """How many work at once."""
    loses_server: bool = False
    """Whether the server is killed, and comes back."""
    transpiler_seeds: tuple[int, ...] = (7,)
    """Of each child, one after the other."""
    recalibrates: bool = False
    """Whether the device is calibrated anew before each child after the first."""
    spare_jobs: int = 9
    """Jobs that the budget allows beyond those of the plan."""
    resubmit_failed: bool = True
    """Whether failed jobs are sent again."""

    @property
    def may_fail(self) -> bool:
        """Whether a task may end without an answer: its job failed, and no other is allowed.

        At Braket a job of several quantum tasks fails, too, where one of them is refused.
        """
        kinds = {one["kind"] for one in self.faults}
        fails = "failed_job" in kinds or (self.vendor == "braket" and "http400" in kinds)
        return fails and (not self.resubmit_failed or self.spare_jobs < 4)


def drawn(number: int, seed: int) -> Scenario:
    """Return a scenario: vendors and first faults take turns, all else is drawn."""
    draw = random.Random(f"{seed} {number}")
    vendor = VENDORS[number % len(VENDORS)]
    turn = sum(VENDORS[k % len(VENDORS)] == vendor for k in range(number))
    kinds = list(KINDS)
    first = kinds[(3 * turn if vendor == "ionq" else turn) % len(kinds)]
    others = draw.sample(kinds, draw.choice((0, 1, 1, 2)))
    return Scenario(
        number=number,
        vendor=vendor,
        target=draw.choice(TARGETS[vendor]),
        n_points=draw.choice((1, 2)),
        max_programs=draw.choice((3, 4, 5)),
        faults=tuple(_fault(draw, kind, vendor) for kind in (first, *others)),
        kills=tuple(draw.choices(MOMENTS, k=draw.choice((0, 1, 1, 2)))),
        n_processes=draw.choice((1, 1, 2)),
        loses_server=draw.random() < 1 / 7,
        transpiler_seeds=tuple(draw.sample(range(50), 3)),
        recalibrates=draw.random() < 0.4,
        spare_jobs=draw.choice((0, 2, 9)),
        resubmit_failed=draw.random() < 0.7,
    )


def _fault(draw: random.Random, kind: str, vendor: str) -> dict[str, Any]:
    spot = draw.choice(KINDS[kind])
    if vendor == "ibm" and spot == "status":
        spot = draw.choice(("status", "usage"))
    # Amazon's client asks three times by itself
    times = draw.choice((1, 2, 4)) if vendor == "braket" else draw.choice((1, 1, 2))
    seconds = 0.8 * GRACE_S if kind == "slow_index" else 1.5 * READ_S
    return {"on": spot, "kind": kind, "times": times, "seconds": seconds}


def planned(scenario: Scenario, seed: int) -> MeasurementPlan:
    """Return what a scenario submits: energies of H2, few shots.

    Args:
        scenario: Says where, and how it is cut.
        seed: The transpiler's.
    """
    target = brisk(qm.load_target(scenario.target), max_usd=1000.0)
    access = {"credential": "env:AWS_ACCESS_KEY_ID"} if scenario.vendor == "braket" else {}
    changes = {
        "access": target.access.model_copy(update=access),
        "mode": target.mode.model_copy(update={"max_programs_per_job": scenario.max_programs}),
        "layout": target.layout.model_copy(update={"seed_transpiler": seed}),
        "mitigation": target.mitigation.model_copy(update={"calibration_shots": 100}),
        "retry": target.retry.model_copy(
            update={
                "ambiguous_grace_s": GRACE_S,
                "attempts": 8,
                "resubmit_failed": scenario.resubmit_failed,
            }
        ),
    }
    plan = MeasurementPlan.from_requests(
        energy_requests(scenario.n_points),
        target.model_copy(update=changes),
        mapping=reduced(),
        shots=60,
    )
    most = len(plan.tasks("count")) + scenario.spare_jobs
    budget = target.budget.model_copy(update={"max_jobs": most})
    changed = plan.target.model_copy(update={"budget": budget})
    return MeasurementPlan.from_dict(plan.to_dict() | {"target": _plain(changed)})


def _plain(target: Target) -> dict[str, Any]:
    return target.model_dump(mode="json", exclude_none=True)
