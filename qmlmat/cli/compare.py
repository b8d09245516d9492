"""What ``qmlmat compare`` does."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qmlmat.cli.compare_input import CompareTable, load_compare_input
from qmlmat.cli.compare_output import CompareOutput
from qmlmat.cli.screen import ExitCode, Screen
from qmlmat.errors import ConfigError

if TYPE_CHECKING:
    from qmlmat.potentials.comparison import Arm, Comparison, ComparisonProgress


def compare(screen: Screen, file: Path, *, store: Path | None, plot: Path | None) -> ExitCode:
    """Train every model of an input file on the same sets, and print and draw their errors.

    Raises:
        ConfigError: If the input breaks a rule.
        InputError: If data or files cannot be used.
        StoreError: If the store is of another comparison, or cannot be written.
    """
    from qmlmat.cli.learning_build import build_data, build_training  # noqa: PLC0415 - loads torch
    from qmlmat.report import (  # noqa: PLC0415
        check_plot_file,
        comparison_table,
        plot_comparison,
    )

    start = time.perf_counter()
    document = load_compare_input(file)
    kept = store or file.with_suffix(".jsonl")
    figure = check_plot_file(plot or file.with_suffix(".png"), call="plot_comparison")
    data, test = build_data(document.data, file.parent)
    if test is None:
        raise ConfigError(
            f"{file.name}: [data] test_fraction: no point is left to measure by. Set it to 0.2, "
            "say."
        )
    table = document.compare
    found = _compared(
        screen,
        kept,
        data=data,
        arms=_arms(table, data.symbols),
        sizes=table.sizes,
        seeds=range(table.n_seeds),
        test=test,
        training=build_training(document.training),
    )
    plot_comparison(found, figure, title=document.title)
    output = CompareOutput.from_comparison(
        found,
        title=document.title,
        store=str(kept),
        plot=str(figure),
        wall_time=time.perf_counter() - start,
    )
    screen.document(output)
    screen.say(comparison_table(found), *output.summary)
    screen.say(f"Store:  {kept}", f"Figure: {figure}", f"Time:   {output.wall_time:.1f} s")
    failed = any(run.failed for run in found.runs)
    return ExitCode.NOT_CONVERGED if failed else ExitCode.OK


def _arms(table: CompareTable, symbols: tuple[str, ...]) -> tuple[Arm, ...]:
    from qmlmat.ansatz.encoding import Encoding  # noqa: PLC0415 - loads numpy
    from qmlmat.cli.learning_build import DESCRIPTORS  # noqa: PLC0415 - loads torch
    from qmlmat.potentials.comparison import kernel_arms, network_arms  # noqa: PLC0415

    descriptor = DESCRIPTORS[table.descriptor](symbols)
    layers = {} if table.layers is None else {"layers": table.layers}
    if table.models == "kernels":
        encoding = Encoding("morse_kernel", **layers)
        return kernel_arms(descriptor, encoding=encoding, n_states=table.n_states)
    return network_arms(
        descriptor,
        n_qubits=table.n_qubits,
        encoding=Encoding("reupload_dense", **layers),
        n_states=table.n_states,
    )


def _compared(screen: Screen, kept: Path, **given: Any) -> Comparison:  # noqa: ANN401 - of ``compare``
    from qmlmat.potentials import comparison  # noqa: PLC0415 - loads torch

    with screen.progress("trainings") as bar:

        def show(progress: ComparisonProgress) -> None:
            screen.on_interrupt = (
                f"{progress.done} of {progress.total} trainings are kept in {kept}; the same "
                "command goes on."
            )
            if bar is not None:
                bar.show(progress, "trainings")

        return comparison.compare(**given, store=kept, on_run=show)
