"""Times one energy + gradient on the chains, all programs alternating, and checks the energies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.parent import (
    Peer,
    Runner,
    Timing,
    Worker,
    WorkerError,
    alternate,
    one_worker,
    ratio,
)
from benchmarks.programs import OWN, Entry

ENERGY_TOLERANCE = 1e-8
"""Difference accepted between programs' energies at equal lists (hartree), float64."""
GRADIENT_TOLERANCE = 1e-6
"""Likewise for a weighted sum of all derivatives (hartree per radian)."""


def write_chains(folder: Path, atoms: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Write each chain's file with qmlmat; return dimension, generators and path by length.

    Raises:
        WorkerError: If qmlmat fails.
    """
    chains: dict[int, dict[str, Any]] = {}
    with one_worker(OWN) as worker:
        for length in atoms:
            path = folder / f"H{length}.npz"
            answer = worker.ask({"do": "write", "atoms": length, "problem": str(path)})
            chains[length] = {"path": path, **answer["value"]}
    return chains


def run_table(
    entries: Sequence[Entry],
    chains: Mapping[int, Mapping[str, Any]],
    rounds: Mapping[int, int],
    *,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Return one row for each chain, versions, peak memories and checks."""
    with ExitStack() as stack:
        workers, broken = start_all(stack, list(dict.fromkeys(entry.peer for entry in entries)))
        rows, checks = [], []
        for length, chain in chains.items():
            say(f"H{length}")
            present = [entry for entry in entries if length in entry.atoms]
            runners, reasons = _time(present, workers, broken, chain["path"], rounds[length])
            rows.append({"atoms": length, **_row(present, runners, reasons, chain)})
            checks += check_energies(length, present, runners, chain["hartree_fock"])
        return {
            "chains": rows,
            "checks": checks,
            "versions": {peer.name: worker.versions for peer, worker in workers.items()},
            "peak_memory": _peak_memories(workers),
        }


def start_all(
    stack: ExitStack, peers: Sequence[Peer]
) -> tuple[dict[Peer, Worker], dict[Peer, str]]:
    """Start the children; return those that answer, and why the others do not."""
    workers: dict[Peer, Worker] = {}
    broken: dict[Peer, str] = {}
    for peer in peers:
        try:
            workers[peer] = stack.enter_context(one_worker(peer))
        except WorkerError as error:
            broken[peer] = str(error)
    return workers, broken


def _time(
    entries: Sequence[Entry],
    workers: Mapping[Peer, Worker],
    broken: Mapping[Peer, str],
    path: Path,
    rounds: int,
) -> tuple[dict[str, Runner], dict[str, str]]:
    """Return the runners that finished, and why the others did not, by title."""
    reasons = {e.title: broken[e.peer] for e in entries if e.peer in broken}
    runners: dict[str, Runner] = {}
    for entry in (e for e in entries if e.peer in workers):
        try:
            runners[entry.title] = Runner.load(workers[entry.peer], entry.job, path, rounds)
        except WorkerError as error:
            reasons[entry.title] = str(error)
    alternate(list(runners.values()), rounds)
    for title in [title for title, runner in runners.items() if runner.failure]:
        reasons[title] = runners.pop(title).failure
    return runners, reasons


def _row(
    entries: Sequence[Entry],
    runners: Mapping[str, Runner],
    reasons: Mapping[str, str],
    chain: Mapping[str, Any],
) -> dict[str, Any]:
    row: dict[str, Any] = {key: chain[key] for key in ("dimension", "generators")}
    row["entries"] = {}
    for entry in entries:
        if entry.title in runners:
            record = result(entry, runners)
        else:
            status, _, reason = reasons[entry.title].partition(": ")
            record = {"status": status, "reason": reason}
        row["entries"][entry.title] = record
    return row


def result(entry: Entry, runners: Mapping[str, Runner]) -> dict[str, Any]:
    """Return one entry's timing, with its ratios to our own where both mean the same work."""
    runner = runners[entry.title]
    record: dict[str, Any] = {"status": "ok", **runner.timing.plain()}
    record["busy_threads"] = runner.busy_threads
    gates = runner.facts.get("gates")
    if gates:
        record["gates"] = gates
    own, gradient = runners.get(entry.against), runners.get(entry.within)
    if own is not None:
        record |= ratios(entry, runner.timing, own.timing, gates, own.facts.get("gates"))
    if gradient is not None:
        record["ours_in_its"] = ratio(gradient.timing, runner.timing)
    return record


def ratios(
    entry: Entry, peer: Timing, own: Timing, gates: int | None, own_gates: int | None
) -> dict[str, float]:
    """Return how many times as long as ours it takes: the ratio of the medians.

    With another list of generators only per generator.
    """
    found: dict[str, float] = {}
    if entry.kind != "own" and entry.equal_list:
        found["ratio"] = ratio(peer, own)
    if entry.kind == "gradient" and gates and own_gates:
        found["per_generator"] = ratio(peer, own) * own_gates / gates
    return found


def check_energies(
    length: int, entries: Sequence[Entry], runners: Mapping[str, Runner], hartree_fock: float
) -> list[dict[str, Any]]:
    """Return what was compared to show that the programs compute the same thing."""
    checks: list[dict[str, Any]] = []

    def check(who: str, what: str, difference: float, tolerance: float) -> None:
        checks.append(
            {
                "atoms": length,
                "who": who,
                "what": what,
                "difference": abs(difference),
                "ok": abs(difference) <= tolerance,
            }
        )

    for entry in entries:
        if entry.title not in runners:
            continue
        facts = runners[entry.title].facts
        if "zero_energy" in facts:
            difference = facts["zero_energy"] - hartree_fock
            check(entry.title, "energy at zero = Hartree-Fock", difference, ENERGY_TOLERANCE)
        own = runners.get(entry.against)
        if own is None or entry.kind == "own" or not entry.equal_list:
            continue
        if "energy" in facts:
            difference = facts["energy"] - own.facts["energy"]
            check(entry.title, "energy, same task", difference, ENERGY_TOLERANCE)
        if "gradient" in facts:
            difference = facts["gradient"] - own.facts["gradient"]
            check(entry.title, "gradient, same task", difference, GRADIENT_TOLERANCE)
    return checks


def _peak_memories(workers: Mapping[Peer, Worker]) -> dict[str, int]:
    peaks = {}
    for peer, worker in workers.items():
        try:
            peaks[peer.name] = int(worker.ask({"do": "stats"})["peak_memory"])
        except WorkerError:
            continue
    return peaks
