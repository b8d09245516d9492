"""Kernels: positive, symmetric, invariant, and what their formulas say."""

import numpy as np
import pytest
import torch

from qmlmat.ansatz.encoding import Encoding
from qmlmat.errors import InputError
from qmlmat.potentials.descriptors import MorseVariables
from qmlmat.potentials.gaussian import RBF, QuantumKernel, RationalQuadratic, Sum
from qmlmat.potentials.registry import built, described

PERMUTATIONS = MorseVariables(("O", "H", "H")).feature_permutations()
RNG = np.random.default_rng(0)
LEFT, RIGHT = (torch.from_numpy(RNG.normal(size=(n, 3))) for n in (5, 7))


def randomised(kernel, seed=0):
    """Return the kernel at random numbers."""
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in kernel.parameters():
            parameter.add_(0.5 * torch.randn(parameter.shape, generator=rng).double())
    return kernel


def quantum(profile="rational", entangler="full"):
    """Return a quantum kernel of three features."""
    encoded = Encoding("morse_kernel", entangler=entangler).circuit(3, 3)
    return QuantumKernel(encoded, PERMUTATIONS, profile=profile)


KERNELS = {
    "RBF": lambda: RBF(PERMUTATIONS),
    "RQ": lambda: RationalQuadratic(PERMUTATIONS),
    "sum": lambda: Sum(RBF(PERMUTATIONS), RationalQuadratic(PERMUTATIONS)),
    "fidelity": lambda: quantum("fidelity"),
    "rational": quantum,
    "product": lambda: quantum(entangler="none"),
    "quantum and classical": lambda: Sum(quantum(), RBF(PERMUTATIONS)),
}


@pytest.fixture(params=list(KERNELS))
def kernel(request):
    """Every kernel at random numbers."""
    return randomised(KERNELS[request.param]())


def test_a_kernel_is_symmetric_and_positive_semidefinite(kernel):
    """Its matrix of any points is a covariance; one permuted side is enough for that."""
    points = torch.cat([LEFT, RIGHT])
    with torch.no_grad():
        gram = kernel(points)
    torch.testing.assert_close(gram, gram.T, atol=1e-13, rtol=1e-12)
    assert torch.linalg.eigvalsh(gram).min() > -1e-12 * gram.diagonal().max()
    torch.testing.assert_close(gram[:5, 5:], kernel(LEFT, RIGHT).detach())


def test_a_kernel_does_not_change_when_equal_atoms_are_exchanged(kernel):
    """Of either point alone."""
    exchanged = PERMUTATIONS[1]
    values = kernel(LEFT, RIGHT)
    torch.testing.assert_close(kernel(LEFT[:, exchanged], RIGHT), values, atol=1e-12, rtol=1e-10)
    torch.testing.assert_close(kernel(LEFT, RIGHT[:, exchanged]), values, atol=1e-12, rtol=1e-10)


def test_the_diagonal_is_that_of_the_matrix(kernel):
    """Without the matrix."""
    torch.testing.assert_close(kernel.diagonal(kernel.embed(LEFT)), kernel(LEFT).diagonal())


def test_derivatives_by_numbers_and_features_are_central_differences(kernel):
    """By PyTorch's own check."""
    names = [name for name, _ in kernel.named_parameters()]

    def value(features, *numbers):
        return torch.func.functional_call(
            kernel, dict(zip(names, numbers, strict=True)), (features, RIGHT[:2])
        )

    numbers = [parameter.detach().clone().requires_grad_() for parameter in kernel.parameters()]
    assert torch.autograd.gradcheck(value, (LEFT[:2].clone().requires_grad_(), *numbers))


def test_a_kernel_comes_back_from_plain_values(kernel):
    """Configuration and numbers."""
    again = built(described(kernel))
    again.load_state_dict(kernel.state_dict())
    assert torch.equal(again(LEFT, RIGHT), kernel(LEFT, RIGHT))


def test_distance_kernels_are_their_formulas_averaged():
    """Loops over points and permutations, in numpy."""
    kernel = randomised(Sum(*(randomised(k(PERMUTATIONS), 3) for k in (RBF, RationalQuadratic))))
    gaussian, rational = kernel.parts
    found = kernel(LEFT, RIGHT).detach().numpy()
    for i, x in enumerate(LEFT.numpy()):
        for j, y in enumerate(RIGHT.numpy()):
            terms = []
            for order in PERMUTATIONS.numpy():
                both = []
                for part in (gaussian, rational):
                    lengths = np.exp(part.log_lengths.detach().numpy())[part.orbits]
                    both.append((((x - y[order]) / lengths) ** 2).sum())
                alpha = float(rational.log_alpha.exp().detach())
                terms.append(
                    float(gaussian.log_amplitude.exp().detach()) * np.exp(-both[0] / 2)
                    + float(rational.log_amplitude.exp().detach())
                    * (1 + both[1] / (2 * alpha)) ** -alpha
                )
            assert found[i, j] == pytest.approx(np.mean(terms), rel=1e-12)


def test_features_that_atoms_exchange_have_one_length():
    """The two bonds of water; the other distance has its own."""
    assert RBF(PERMUTATIONS).log_lengths.numel() == 2
    assert RBF(PERMUTATIONS[:1]).log_lengths.numel() == 3


@pytest.mark.parametrize(
    ("permutations", "remedy"),
    [
        (torch.zeros(3), "descriptor.feature_permutations"),
        (torch.tensor([[0, 0, 1]]), "no order of the features"),
        (torch.tensor([[0, 1, 2], [1, 2, 0]]), "an average needs a group"),
        (torch.tensor([[0, 1], [0, 1]]), "that is there once"),
    ],
)
def test_what_is_no_group_of_permutations_is_refused(permutations, remedy):
    """An average over anything else would not be invariant."""
    with pytest.raises(InputError, match=remedy):
        RBF(permutations)


def test_a_sum_of_one_kernel_or_of_other_symmetries_is_refused():
    """The remedy shows a sum."""
    with pytest.raises(InputError, match=r"e\.g\. Sum\(RBF\(p\)"):
        Sum(RBF(PERMUTATIONS))
    with pytest.raises(InputError, match="same permutations"):
        Sum(RBF(PERMUTATIONS), RBF(PERMUTATIONS[:1]))


def test_averages_are_taken_in_blocks_where_nothing_is_differentiated(monkeypatch):
    """The same numbers from a bounded number of values at a time."""
    monkeypatch.setattr("qmlmat.potentials.gaussian.kernels.BLOCK", 100)
    sizes = []

    class Watched(RBF):
        def compare(self, left, right):
            sizes.append(len(left) * len(right))
            return super().compare(left, right)

    kernel = Watched(torch.tensor([[0, 1], [1, 0]]))
    points = torch.linspace(-1, 1, 40, dtype=torch.float64).reshape(20, 2)
    whole = kernel(points).detach()
    assert sizes.pop() == 20 * 40
    with torch.no_grad():
        blocks = kernel(points)
    assert len(sizes) == 10
    assert max(sizes) <= 100
    torch.testing.assert_close(blocks, whole, atol=1e-14, rtol=0)
