"""The power spectrum of the water benchmark, on a vibration that is known."""

import numpy as np
import pytest

from benchmarks.learning.water_dynamics import PERIOD, STEP, peaks, power_spectrum


def oscillator(wavenumber, n_steps):
    """Return velocities of one harmonic vibration by velocity Verlet, shape ``(n, 1, 3)``."""
    curvature = (2 * np.pi * wavenumber / PERIOD) ** 2
    position, velocity, found = 1.0, 0.3, []
    for _ in range(n_steps):
        half = velocity - 0.5 * STEP * curvature * position
        position += STEP * half
        velocity = half - 0.5 * STEP * curvature * position
        found.append([velocity, 0.0, 0.0])
    return np.array(found)[:, None]


@pytest.mark.parametrize("wavenumber", [1600.0, 3800.0])
def test_a_peak_lies_where_the_vibration_is(wavenumber):
    """Within 1 cm-1, though Verlet itself moves the fast one by 5 cm-1."""
    velocities = oscillator(wavenumber, 8000)
    found = peaks(*power_spectrum(velocities, np.ones(1)), np.array([wavenumber + 30.0]))
    assert found[0] == pytest.approx(wavenumber, abs=1.0)
