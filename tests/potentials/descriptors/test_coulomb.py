"""The spectrum of the Coulomb matrix."""

import numpy as np
import torch
from descriptors import FORMALDEHYDE, cloud
from pyscf import gto

from qmlmat.potentials.descriptors import CoulombMatrix


def test_eigenvalues_are_those_of_the_dense_matrix():
    """Written out in numpy, in atomic units."""
    charges = np.array([6.0, 1.0, 8.0, 1.0])
    x = cloud(4)
    for one, values in zip(x.numpy() / 0.529177210544, CoulombMatrix(FORMALDEHYDE)(x), strict=True):
        apart = np.linalg.norm(one[:, None] - one[None], axis=-1)
        matrix = np.outer(charges, charges) / np.where(apart > 0, apart, 1.0)
        np.fill_diagonal(matrix, 0.5 * charges**2.4)
        np.testing.assert_allclose(values, np.linalg.eigvalsh(matrix)[::-1], atol=1e-11)


def test_the_matrix_holds_the_repulsion_of_the_nuclei():
    """PySCF's nuclear repulsion is the sum of one triangle of it."""
    x = cloud(4, 1)
    matrix = CoulombMatrix(FORMALDEHYDE).matrix(x)[0]
    atoms = [(s, tuple(p)) for s, p in zip(FORMALDEHYDE, x[0].tolist(), strict=True)]
    molecule = gto.M(atom=atoms, basis="sto-3g")
    # 1e-8: PySCF's bohr is of another year
    np.testing.assert_allclose(matrix.triu(1).sum(), molecule.energy_nuc(), rtol=1e-8)


def test_equal_eigenvalues_have_derivatives_that_symmetry_allows():
    """Breathing moves the two degenerate eigenvalues of a triangle of hydrogen alike."""
    angles = torch.arange(3, dtype=torch.float64) * 2 * torch.pi / 3
    ring = torch.stack([angles.cos(), angles.sin(), 0 * angles], dim=1)
    scale = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    values = CoulombMatrix("HHH")(scale * ring[None])[0]
    assert float((values[1] - values[2]).detach().abs()) < 1e-12
    for value, shape in zip(values, (2.0, -1.0, -1.0), strict=True):
        slope, curvature = _derivatives(value, scale)
        repulsion = 0.529177210544 / 3**0.5
        np.testing.assert_allclose([slope, curvature], [-shape * repulsion, 2 * shape * repulsion])


def _derivatives(value, scale):
    (slope,) = torch.autograd.grad(value, scale, create_graph=True, retain_graph=True)
    (curvature,) = torch.autograd.grad(slope, scale, retain_graph=True)
    return float(slope.detach()), float(curvature.detach())
