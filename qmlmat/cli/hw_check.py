"""What ``qmlmat hw check`` does: lists targets, and looks whether one can be used."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from rich.text import Text

from qmlmat.cli.hw_output import HwCheckLine, HwCheckOutput, TargetOutput, TargetsOutput
from qmlmat.cli.screen import ExitCode, Screen
from qmlmat.errors import CredentialError, QmlmatError
from qmlmat.hardware.config import credential, load_target, rates, target_names
from qmlmat.hardware.config.credentials import instance
from qmlmat.hardware.config.target import BraketTarget, IbmTarget, Target

if TYPE_CHECKING:
    from qmlmat.hardware.adapters.base import Adapter, DeviceFacts, Snapshot
    from qmlmat.report.hardware_table import TargetRow

OLD_PRICE_DAYS: Final = 365
"""Age from which a price is to be looked up again (days)."""
_HOUR: Final = 3600.0
_STYLES: Final = {"ok": "green", "warning": "yellow", "error": "bold red"}

Verdict = Literal["ok", "warning", "error"]
"""What is found of a thing that is looked at."""


def list_targets(screen: Screen) -> ExitCode:
    """List the targets that a name finds, with their prices."""
    from qmlmat.report.hardware_table import targets_table  # noqa: PLC0415 - loads torch

    rows = [_target_row(name) for name in target_names()]
    screen.document(TargetsOutput(targets=[TargetOutput(**vars(row)) for row in rows]))
    screen.say(targets_table(rows), "Look whether one can be used: qmlmat hw check NAME")
    return ExitCode.OK


def _target_row(name: str) -> TargetRow:
    from qmlmat.report.hardware_table import TargetRow, price_words  # noqa: PLC0415

    try:
        target = load_target(name)
    except QmlmatError as error:
        first = str(error).splitlines()[0]
        return TargetRow(name=name, title=first, provider="", device="", price="", date="")
    try:
        found = rates(target)
        price, date = price_words(found), found.date
    except QmlmatError:
        price, date = "not known", ""
    return TargetRow(
        name=name,
        title=target.title,
        provider=target.provider,
        device=target.device,
        price=price,
        date=date,
    )


def check(screen: Screen, name: str) -> ExitCode:
    """Look whether a target can be used now; one line for each thing.

    Raises:
        ConfigError: If there is no such target, or it breaks a rule.
    """
    target = load_target(name)
    screen.on_interrupt = "Nothing was submitted."
    lines = []
    for line in _lines(target):
        lines.append(line)
        text = Text.assemble((f"{line.verdict:<8}", _STYLES[line.verdict]), f"{line.name}: ")
        screen.say(text.append(line.text))
    screen.document(HwCheckOutput(target=target.name, lines=lines))
    bad = any(line.verdict == "error" for line in lines)
    return ExitCode.NOT_CONVERGED if bad else ExitCode.OK


def _lines(target: Target) -> Iterator[HwCheckLine]:
    signed = _guarded("credential", lambda: _credential(target))
    yield signed
    yield _guarded("price", lambda: _price(target))
    if signed.verdict == "error":
        yield _line("service", "warning", "not asked, without a credential")
        return
    found: list[tuple[Adapter, DeviceFacts]] = []
    yield _guarded("service", lambda: _service(target, found))
    if not found:
        return
    adapter, facts = found[0]
    yield _device(target, facts)
    yield _quota(target, facts)
    if isinstance(target, BraketTarget) and not target.is_simulator:
        yield _spending_limit(facts)
    snapshots: list[Snapshot | None] = []
    answer = _guarded("calibration", lambda: _calibration(target, adapter, snapshots))
    yield answer
    if snapshots and snapshots[0] is not None:
        yield _qubits(target, snapshots[0])


def _line(name: str, verdict: Verdict, text: str) -> HwCheckLine:
    return HwCheckLine(name=name, verdict=verdict, text=" ".join(text.split()))


def _guarded(name: str, look: Callable[[], HwCheckLine]) -> HwCheckLine:
    """Return what is found, or why nothing could be."""
    try:
        return look()
    except QmlmatError as error:
        return _line(name, "error", str(error))


def _credential(target: Target) -> HwCheckLine:
    if target.access is None:
        return _line("credential", "ok", "none is needed")
    credential(target)  # its value is looked up, and not kept
    where = target.access.credential
    if isinstance(target, IbmTarget) and target.access.instance is not None:
        instance(target)
        where += f", instance {target.access.instance}"
    return _line("credential", "ok", f"found where the target says ({where})")


def _price(target: Target) -> HwCheckLine:
    from qmlmat.report.hardware_table import price_words  # noqa: PLC0415 - loads torch

    found = rates(target)
    text = f"{price_words(found)}; read {found.date}: {found.source}"
    read = datetime.strptime(f"{found.date}-01"[:10], "%Y-%m-%d").replace(tzinfo=UTC)
    if (datetime.now(UTC) - read).days > OLD_PRICE_DAYS:
        return _line("price", "warning", f"{text}. Over a year old: look it up, and set [prices]")
    return _line("price", "ok", text)


def _service(target: Target, found: list[tuple[Adapter, DeviceFacts]]) -> HwCheckLine:
    from qmlmat.hardware.adapters.registry import make_adapter  # noqa: PLC0415 - loads numpy

    start = time.perf_counter()
    adapter = make_adapter(target, folder=Path())
    try:
        found.append((adapter, adapter.capabilities()))
    except CredentialError as error:
        return _line("service", "error", f"the credential was refused: {error}")
    took = time.perf_counter() - start
    return _line("service", "ok", f"{target.provider} answered in {took:.1f} s")


def _device(target: Target, facts: DeviceFacts) -> HwCheckLine:
    is_named = isinstance(target, BraketTarget) and not target.is_simulator
    notes = "" if is_named else " ".join(facts.notes)  # Braket's has a line of its own
    state = "online" if facts.is_online else "offline: jobs wait until it is back"
    text = f"{facts.name}, {facts.n_qubits} qubits, {state}. {notes}"
    if target.primitive not in facts.primitives:
        return _line("device", "error", f'{text} It has no primitive = "{target.primitive}".')
    return _line("device", "ok" if facts.is_online else "warning", text)


def _quota(target: Target, facts: DeviceFacts) -> HwCheckLine:
    left, wanted = facts.seconds_left, target.budget.max_qpu_seconds
    if left is None:
        return _line("quota", "ok", "the provider names none")
    text = f"{left:,.0f} s are left"
    if left <= 0:
        return _line("quota", "error", f"{text}: jobs are refused until it is renewed")
    if wanted is not None and left < wanted:
        short = f"{text}, and [budget] max_qpu_seconds = {wanted:g}: a full run would not end"
        return _line("quota", "warning", short)
    return _line("quota", "ok", text)


def _spending_limit(facts: DeviceFacts) -> HwCheckLine:
    if facts.notes:
        return _line("spending limit", "warning", " ".join(facts.notes))
    return _line("spending limit", "ok", "one is set for the device")


def _calibration(target: Target, adapter: Adapter, snapshots: list[Snapshot | None]) -> HwCheckLine:
    snapshot = adapter.snapshot()
    snapshots.append(snapshot)
    most = target.calibration.max_age_h
    if snapshot is None:
        return _line("calibration", "ok", "a device without one")
    if snapshot.calibrated is None:
        return _line("calibration", "ok" if most is None else "warning", "its age is not told")
    age = (snapshot.taken - snapshot.calibrated) / _HOUR
    text = f"{age:,.1f} h old"
    if most is not None and age > most:
        return _line(
            "calibration", "warning", f"{text}, max_age_h = {most:g}: results would be flagged"
        )
    return _line("calibration", "ok", text)


def _qubits(target: Target, snapshot: Snapshot) -> HwCheckLine:
    """Return how many qubits and links are as good as ``[calibration]`` asks, and the best."""
    wanted = target.calibration
    parts, bad = [], False
    for what, errors, most in (
        ("qubits by readout", list(snapshot.readout_errors.values()), wanted.max_readout_error),
        ("links by gates", list(snapshot.two_qubit_errors.values()), wanted.max_two_qubit_error),
    ):
        if not errors:
            continue
        good = len(errors) if most is None else sum(error <= most for error in errors)
        bad = bad or not good
        bound = "" if most is None else f" below {most:g}"
        parts.append(f"{good} of {len(errors)} {what}{bound}, the best {min(errors):.2g}")
    if not parts:
        return _line("qubits", "ok", "no errors are told")
    text = "; ".join(parts)
    if bad:
        return _line("qubits", "error", f"{text}: wait for a calibration, or raise [calibration]")
    return _line("qubits", "ok", text)
