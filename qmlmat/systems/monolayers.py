"""Monolayers of transition-metal dichalcogenides: three d orbitals of the metal."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from types import SimpleNamespace
from typing import Any, Final, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from qmlmat.errors import InputError, nearest
from qmlmat.systems.honeycomb import SPECIAL_POINTS, VACUUM, hexagonal_cell
from qmlmat.systems.three_band import ORBITALS, orbital_angular_momentum, spin_z, three_band_matrix
from qmlmat.systems.tight_binding import TightBindingModel

Model: TypeAlias = Literal["nn", "tnn"]
"""How far hoppings reach: to the nearest neighbours, or to the third nearest."""
Functional: TypeAlias = Literal["gga", "lda"]
"""The density functional whose bands the parameters were fitted to."""

REACH: Final = 2
"""Cells that hoppings reach along a lattice vector: third neighbours are two away."""
SMALLEST: Final = 1e-12
"""Size below which a hopping is the noise of its transform (eV)."""
HEIGHT: Final = 6.0
"""Length of the third lattice vector where the cell is in units of a."""
SOURCE: Final = "G.-B. Liu et al., Phys. Rev. B 88, 085433 (2013)"
"""Where the model and its parameters are from."""


def monolayer(
    material: str,
    *,
    model: Model = "nn",
    functional: Functional = "gga",
    soc: bool = False,
) -> TightBindingModel:
    """Return the three-band model of a monolayer MX2.

    The orbitals d_z2, d_xy, d_x2-y2 of the metal on a triangular lattice hold the valence band
    and the lowest conduction bands. Spin-orbit coupling adds ``(lambda / 2) sigma_z L_z``, which
    keeps the spins apart: ``spin="up"`` and ``spin="down"`` are the two blocks.

    Args:
        material: ``"MoS2"``, ``"WS2"``, ``"MoSe2"``, ``"WSe2"``, ``"MoTe2"`` or ``"WTe2"``.
        model: Hoppings to the nearest (``"nn"``) or third nearest (``"tnn"``) neighbours. The
            first fits the edges at K, the second the bands in the whole zone.
        functional: The bands it was fitted to; ``"lda"`` with ``"tnn"`` only.
        soc: With spin-orbit coupling, 6 bands instead of 3.

    Raises:
        InputError: If the material is not known, or there are no parameters for the choice.

    References:
        G.-B. Liu, W.-Y. Shan, Y. Yao, W. Yao and D. Xiao, Phys. Rev. B 88, 085433 (2013),
        doi:10.1103/PhysRevB.88.085433.

    Example:
        >>> import qmlmat as qm
        >>> qm.monolayer("MoS2", model="tnn").at("K").levels.round(4).tolist()
        [-0.0629, 1.595, 3.4497]
    """
    call = f'monolayer("{material}", model="{model}", functional="{functional}", soc={soc})'
    row = _parameters(call, material, model, functional)
    in_angstrom = "a" in row
    if soc and not in_angstrom:
        raise InputError(
            f"{call}: the LDA table of third-neighbour hoppings has no spin-orbit constant. Use "
            'functional="gga" for spin-orbit coupling, or soc=False.'
        )
    translations, hoppings = _hoppings(SimpleNamespace(**row))
    if soc:
        hoppings = _with_spin_orbit(translations, hoppings, row["lambda"])
    cell = hexagonal_cell(row["a"], VACUUM) if in_angstrom else hexagonal_cell(1.0, HEIGHT)
    return TightBindingModel(
        name=f"{material} ({model}, {functional}{', spin-orbit' if soc else ''})",
        cell=cell,
        cell_unit="angstrom" if in_angstrom else "a",
        translations=translations,
        hoppings=hoppings,
        orbitals=tuple(f"{o} {s}" for s in ("up", "down") for o in ORBITALS) if soc else ORBITALS,
        spin_blocks={"up": (0, 1, 2), "down": (3, 4, 5)} if soc else None,
        special_points=SPECIAL_POINTS,
        default_path="GKMG",
        n_occupied=2 if soc else 1,
        source=SOURCE,
        notes=_notes(model, functional),
    )


@cache
def _table() -> dict[str, Any]:
    text = files("qmlmat.systems").joinpath("data/tmd_three_band.json").read_text("utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


def _parameters(call: str, material: str, model: str, functional: str) -> dict[str, float]:
    """Return the row of a table, with ``a`` and ``lambda`` where they are known."""
    nearest_neighbour, third = (
        _table()[key] for key in ("nearest_neighbour_gga", "third_nearest_neighbour")
    )
    for word, known, value in (
        ("material", tuple(nearest_neighbour), material),
        ("model", get_args(Model), model),
        ("functional", get_args(Functional), functional),
    ):
        if value not in known:
            raise InputError(
                f'{call}: the {word} "{value}" is not known. {nearest(str(value), known)}'
            )
    if (model, functional) == ("nn", "lda"):
        raise InputError(
            f"{call}: no table of nearest-neighbour LDA parameters that can be checked against a "
            'second source. Use functional="gga", or model="tnn" with functional="lda".'
        )
    shared: dict[str, float] = nearest_neighbour[material]
    if model == "nn":
        return dict.fromkeys(third["gga"][material], 0.0) | shared  # r and u are zero
    row: dict[str, float] = dict(third[functional][material])
    if functional == "gga":  # the same calculation, so the same lattice and spin-orbit constant
        row |= {"a": shared["a"], "lambda": shared["lambda"]}
    return row


def _with_spin_orbit(
    translations: NDArray[np.int64], hoppings: NDArray[np.complex128], strength: float
) -> NDArray[np.complex128]:
    """Return the hoppings for both spins, ``(lambda / 2) sigma_z L_z`` added, ``(n, 6, 6)`` (eV).

    Args:
        translations: Cells that hoppings lead to, shape ``(n, 3)``.
        hoppings: Without spin, shape ``(n, 3, 3)`` (eV).
        strength: The constant lambda (eV).
    """
    doubled = np.kron(np.eye(2), hoppings).astype(np.complex128)
    at_home = (translations == 0).all(axis=1)
    doubled[at_home] += strength * spin_z() @ orbital_angular_momentum(soc=True)
    return doubled


def _notes(model: str, functional: str) -> tuple[str, ...]:
    if (model, functional) == ("tnn", "lda"):
        return ("The lattice constant of this table is not known: the cell is in units of a.",)
    return ()


def _hoppings(p: SimpleNamespace) -> tuple[NDArray[np.int64], NDArray[np.complex128]]:
    """Return translations ``(n, 3)`` and ``H_R`` ``(n, 3, 3)`` (eV) of the closed form.

    ``H(k)`` has no harmonics beyond ``REACH``, so the sum over a grid of 2 REACH + 1 points along
    each vector is its Fourier transform, exactly.
    """
    n = 2 * REACH + 1
    k1, k2 = np.meshgrid(np.arange(n) / n, np.arange(n) / n, indexing="ij")
    # k.a1 = 2 pi k1 = 2 alpha, and k.a2 = 2 pi k2 = beta - alpha
    matrices = three_band_matrix(p, np.pi * k1, np.pi * (2.0 * k2 + k1))
    axes = (0, 1)
    transformed = np.fft.fftshift(np.fft.fft2(matrices, axes=axes), axes=axes) / n**2
    hoppings = transformed.reshape(-1, 3, 3)
    for part in (hoppings.real, hoppings.imag):
        part[np.abs(part) < SMALLEST] = 0.0
    steps = np.arange(-REACH, REACH + 1)
    translations = np.array([(i, j, 0) for i in steps for j in steps])
    kept = hoppings.any(axis=(1, 2))
    return translations[kept], hoppings[kept]
