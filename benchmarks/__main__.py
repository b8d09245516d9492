"""Times qmlmat side by side with other programs: ``python -m benchmarks --help``."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.extras import EXTRAS, large
from benchmarks.parent import ROOT, WorkerError
from benchmarks.programs import ALL, OPT_IN, ROUNDS, STANDARD, Entry
from benchmarks.table import run_table, write_chains
from benchmarks.targets import targets


def measure(
    entries: Sequence[Entry],
    *,
    atoms: Sequence[int],
    rounds: Mapping[int, int],
    extras: Sequence[str] = (),
    with_large: bool = False,
) -> dict[str, Any]:
    """Return everything that was measured.

    Args:
        entries: Rows of the table.
        atoms: Chains of the table; none leaves the table out.
        rounds: Samples by chain length.
        extras: Names of further measurements.
        with_large: Whether H14 is run, too.

    Raises:
        WorkerError: If qmlmat cannot even make the chains.
    """
    needed = {*atoms, *(n for name in extras for n in EXTRAS[name][1])}
    if with_large:
        needed |= {4, 14}
    with tempfile.TemporaryDirectory() as folder:
        _say("integrals")
        chains = write_chains(Path(folder), sorted(needed))
        results: dict[str, Any] = {"about": report.about(threads=1)}
        chosen = {length: chains[length] for length in atoms}
        results |= run_table(entries if atoms else (), chosen, rounds, say=_say)
        results["extras"] = {}
        for name in extras:
            _say(name)
            results["extras"][name] = _try(EXTRAS[name][0], chains)
        if with_large:
            _say("H14")
            results["extras"]["large"] = _try(large, chains)
    results["targets"] = targets(results)
    return results


def _try(measurement: Any, chains: Mapping[int, Any]) -> dict[str, Any]:  # noqa: ANN401
    try:
        found: dict[str, Any] = measurement(chains)
    except WorkerError as error:
        status, _, reason = str(error).partition(": ")
        return {"status": status, "reason": reason}
    return found


def _say(what: str) -> None:
    sys.stderr.write(f"[{time.strftime('%H:%M:%S')}] {what}\n")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--peers", choices=("none", "default", "all"), default="default")
    parser.add_argument("--atoms", type=int, nargs="*", choices=ALL, default=list(ALL))
    parser.add_argument("--rounds", type=int, help="samples at most (default: by size)")
    parser.add_argument("--extras", nargs="*", choices=tuple(EXTRAS), default=list(EXTRAS))
    parser.add_argument("--large", action="store_true", help="also H14: seconds to minutes, 0.8 GB")
    parser.add_argument("--docs", action="store_true", help="also write docs/benchmarks*")
    parser.add_argument("--json", type=Path, default=ROOT / "benchmarks/results/latest.json")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write the results."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the children are ended on the way out
    options = _options(arguments)
    rounds = {n: min(most, options.rounds or most) for n, most in ROUNDS.items()}
    entries = {"none": STANDARD[:2], "default": STANDARD, "all": STANDARD + OPT_IN}[options.peers]
    try:
        results = measure(
            entries,
            atoms=options.atoms,
            rounds=rounds,
            extras=options.extras,
            with_large=options.large,
        )
    except WorkerError as error:
        sys.exit(f"qmlmat: {error}")
    except KeyboardInterrupt:
        sys.exit("stopped")
    print(report.text(results))
    report.write_json(results, options.json)
    if options.docs:
        report.write_json(results, ROOT / "docs/benchmarks.json")
        table = ROOT / "docs/benchmarks_table.md"
        table.write_text(report.markdown(results), encoding="utf-8")


if __name__ == "__main__":
    main()
