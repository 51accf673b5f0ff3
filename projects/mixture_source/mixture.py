"""A mixture of Gaussians, and flows that begin there.

Letters: N batch, K components (modes), D width of a representation.
"""
import torch
from torch import Tensor, nn

from rcg.frozen import Frozen, HasFrozenParts
from rcg.models.layers.nearest_centroid import (
    draw_by_counts,
    nearest_centroid,
)
from rcg.registry import MODELS
from rcg.rng import SampleRng


@MODELS.register_module()
class GaussianMixture(nn.Module):
    """A Gaussian with diagonal covariance for each cluster of images.

    An image's mode is the cluster that its representation is in. What the
    Gaussians are of is another matter: codes, or the representations
    themselves. :class:`MixtureTraining` fits it.

    Args:
        num: K.
        rep_dim: D.
        shape: Of what is drawn, such as (C, h, w).
        shared_std: Whether all components have the same standard deviations.

    Attributes:
        centroids (K, D): Of the clusters of representations, float32.
        counts (K,): Images of each mode, int64, with a sum below 2^31. Modes
            are drawn as often.
        means (K, *shape): float32.
        stds (K or 1, *shape): float32.
    """

    def __init__(self, num: int, rep_dim: int, shape: tuple[int, ...],
                 shared_std: bool = False) -> None:
        super().__init__()
        if num < 1:
            raise ValueError(f'num must be at least 1, got {num}.')
        self.num, self.rep_dim, self.shape = num, rep_dim, tuple(shape)
        self.register_buffer('centroids', torch.randn(num, rep_dim))
        self.register_buffer('counts', torch.zeros(num, dtype=torch.int64))
        self.register_buffer('means', torch.randn(num, *self.shape))
        self.register_buffer('stds', torch.ones(1 if shared_std else num,
                                                *self.shape))

    @torch.no_grad()
    def modes(self, representations: Tensor) -> Tensor:
        """Numbers (N,), int64, of the modes of representations (N, D).

        Raises:
            ValueError: The representations are not D values wide.
        """
        return nearest_centroid(representations, self.centroids)[0]

    @torch.no_grad()
    def draw_modes(self, rng: SampleRng) -> Tensor:
        """Draw modes (N,), each as often as it has images."""
        return draw_by_counts(self.counts, rng)

    @torch.no_grad()
    def draw(self, modes: Tensor, rng: SampleRng) -> Tensor:
        """Draw (N, *shape) from the components of modes (N,)."""
        stds = self.stds if len(self.stds) == 1 else self.stds[modes]
        return self.means[modes] + stds * rng.normal(*self.shape)


@MODELS.register_module()
class MixtureSource(HasFrozenParts, nn.Module):
    """Where a generator's flow begins: in the component of the condition.

    Training pairs each image with noise of its own mode. Sampling begins in
    the mode of the representation that was drawn.

    Args:
        mixture: Config of the frozen :class:`GaussianMixture` of codes, with
            ``checkpoint``.
    """

    def __init__(self, mixture: dict) -> None:
        super().__init__()
        self.mixture = Frozen.build(MODELS, mixture)

    def forward(self, condition: Tensor, rng: SampleRng) -> Tensor:
        """Draw noise (N, C, h, w), given representations (N, D)."""
        with self.mixture.in_float32(condition.device) as mixture:
            return mixture.draw(mixture.modes(condition), rng)


@MODELS.register_module()
class UnusedCondition(nn.Module):
    """Takes a representation and tells the network nothing.

    With it a :class:`MixtureSource` alone sees the condition: the flow of a
    network without condition, from a mixture.

    Args:
        rep_dim: D.
        dim: E.
    """
    kind = 'representation'

    def __init__(self, rep_dim: int, dim: int) -> None:
        super().__init__()
        self.rep_dim, self.dim = rep_dim, dim

    def forward(self, condition: Tensor, rng: SampleRng | None = None
                ) -> Tensor:
        """Representations (N, D) -> zeros (N, E)."""
        return condition.new_zeros(len(condition), self.dim)

    def null(self, batch_size: int) -> Tensor:
        """Raises a ValueError: there is nothing to guide away from."""
        raise ValueError('a network without condition cannot be guided: set '
                         'guidance_scale=1.')
