"""The card of a saved model, for readers."""

from __future__ import annotations

import os
from typing import Any

from qmlmat.potentials.storage import card_file, read_card
from qmlmat.units import HARTREE_IN_MILLIHARTREE, HARTREE_IN_WAVENUMBER


def model_card(path: str | os.PathLike[str]) -> str:
    """Return what a saved model is, where it may be used and how wrong it is, in Markdown.

    Args:
        path: The name under which it was saved.

    Raises:
        InputError: If the file is missing or foreign.
        StoreError: If it is damaged.
    """
    file = card_file(path)
    tree = read_card(file)
    card = tree["card"]
    lines = [f"# {file.name.removesuffix('.json')}", "", *_what(tree), "", "## Domain (Å)", ""]
    ranges = [f"- {name}: {low:.3f} to {high:.3f}" for name, (low, high) in card["domain"].items()]
    lines += ranges or ["- not known: the model was not trained."]
    lines += ["", "## Errors", "", *_errors(card["errors"])]
    if card["training"] is not None:
        lines += ["", "## Training", "", *_training(card["training"])]
    versions = ", ".join(f"{name} {v}" for name, v in card["provenance"]["versions"].items())
    lines += ["", "## Origin", "", f"- {card['provenance']['time']}", f"- {versions}"]
    lines += [f"- SHA-256 of the numbers: {tree['tensors']['sha256']}"]
    return "\n".join(lines) + "\n"


def _what(tree: dict[str, Any]) -> list[str]:
    card = tree["card"]
    looks = {
        "labels": "labels of the training data only",
        "hamiltonian": "the Hamiltonian at the geometry that is predicted, too",
    }
    return [
        f"- Model: {tree['model']['qmlmat'].rpartition(':')[2]}, {card['n_weights']} weights, "
        f"{tree['dtype']}",
        f"- Atoms: {' '.join(card['atoms'])}",
        f"- States: {card['n_states']}",
        f"- It looks at {looks.get(card['information'], card['information'])}.",
        f"- Units: {', '.join(f'{name} in {unit}' for name, unit in card['units'].items())}",
    ]


def _errors(errors: dict[str, Any]) -> list[str]:
    rows = [
        f"| {name} | {e['n_points']} | {_both(e['rmse'])} | {_both(e['mae'])} | "
        f"{_both(e['largest'])} | {_force(e['force_rmse'])} |"
        for name, e in errors.items()
        if e is not None
    ]
    if not rows:
        return ["Not known."]
    head = [
        "Energies in mHa (1/cm), force components in mHa/Å.",
        "",
        "| points | number | RMSE | MAE | largest | RMSE of forces |",
        "|---|---|---|---|---|---|",
    ]
    return head + rows


def _both(energy: float) -> str:
    return f"{energy * HARTREE_IN_MILLIHARTREE:.4g} ({energy * HARTREE_IN_WAVENUMBER:.4g})"


def _force(force: float | None) -> str:
    return "" if force is None else f"{force * HARTREE_IN_MILLIHARTREE:.4g}"


def _training(training: dict[str, Any]) -> list[str]:
    settings = ", ".join(f"{name}={value}" for name, value in training["settings"].items())
    return [
        f"- {training['n_points']} points, SHA-256 {training['data_hash']}",
        f"- {settings}; seed {training['seed']}",
        f"- {training['status']} after {training['n_steps']} steps, {training['n_evaluations']} "
        f"evaluations, {training['wall_time']:.3g} s; the weights are those of step "
        f"{training['best_step']}",
    ]
