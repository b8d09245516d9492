"""What ``qmlmat spectrum --json`` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from qmlmat.cli.table import Output

if TYPE_CHECKING:
    from qmlmat.properties import AbsorptionSpectrum, Transition


class TransitionOutput(Output):
    """One line of a spectrum: all degenerate states together."""

    states: list[int] = Field(description="Numbers of the final states, counted from 0.")
    term: str = Field(description="What the line is called.")
    multiplicity: int | None = Field(description="2s + 1; none where spins mix.")
    irrep: str = Field(description="Irrep of the final states; empty where unknown.")
    energy: float = Field(description="Excitation energy (eV).")
    wavelength: float | None = Field(description="Wavelength (nm).")
    oscillator_strength: float = Field(description="Oscillator strength.")
    dipole_strengths: list[float] = Field(
        description="Squares of the transition dipole's components x, y, z ((e a0)^2)."
    )
    spin_allowed: bool | None = Field(description="Whether the multiplicity stays the same.")
    error: float | None = Field(description="Excitation energy above the exact one (eV).")
    configurations: str = Field(description="The configurations that weigh most.")

    @classmethod
    def from_transition(cls, line: Transition) -> TransitionOutput:
        """Return one line."""
        return cls(
            states=list(line.states),
            term=line.label,
            multiplicity=line.multiplicity,
            irrep=line.irrep,
            energy=line.energy,
            wavelength=line.wavelength if line.energy else None,
            oscillator_strength=line.oscillator_strength,
            dipole_strengths=line.dipole_strengths.tolist(),
            spin_allowed=line.spin_allowed,
            error=line.error,
            configurations=line.configurations,
        )


class SpectrumOutput(Output):
    """An absorption spectrum at one geometry."""

    kind: Literal["spectrum"] = "spectrum"
    title: str = Field(description="What the calculation is of.")
    unit: str = Field(description="Unit of the total energies.")
    energies: list[float] = Field(description="Total energies of all states, ascending.")
    initial: list[int] = Field(description="Numbers of the states that absorb.")
    dipoles: list[list[float]] = Field(description="Dipole moments of all states (e a0).")
    transitions: list[TransitionOutput]
    status: str = Field(description="How the solver stopped.")
    advice: str = Field(description="What the status means for the reader.")
    notes: list[str] = Field(description="What the reader should know.")
    plot: str = Field(description="Where the figure is.")
    wall_time: float = Field(description="Time of this run (s).")

    @classmethod
    def from_spectrum(
        cls, spectrum: AbsorptionSpectrum, *, title: str, plot: str, wall_time: float
    ) -> SpectrumOutput:
        """Return a spectrum with the file of its figure and the time of the run (s)."""
        solution = spectrum.properties.solution
        return cls(
            title=title,
            unit=solution.unit,
            energies=solution.energies.tolist(),
            initial=list(spectrum.initial),
            dipoles=spectrum.properties.dipoles.tolist(),
            transitions=[TransitionOutput.from_transition(one) for one in spectrum.transitions],
            status=solution.status,
            advice=solution.advice,
            notes=list(spectrum.notes),
            plot=plot,
            wall_time=wall_time,
        )
