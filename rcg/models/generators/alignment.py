"""Hidden tokens aligned with an encoder's patches: REPA (arXiv:2410.06940).

N batch, L tokens in a square grid, D their width, E width of a patch.
"""
import math

import torch.nn.functional as F
from torch import Tensor, nn

from rcg.models.generators.diffusion_generator import DiffusionGenerator
from rcg.registry import PIXEL_GENERATORS
from rcg.rng import SampleRng


class Alignment(nn.Module):
    """Loss that pulls projected tokens towards the patches of an encoder.

    The projector is an MLP of three layers with SiLU. It is of use in
    training alone.

    Args:
        dim: D.
        feature_dim: E.
        depth: Number of blocks after which tokens are taken.
        weight: Of the loss, at least 0.
        hidden_dim: Width of the projector's hidden layers.

    Raises:
        ValueError: The weight is negative or not finite.
    """

    def __init__(self, dim: int, feature_dim: int, depth: int = 8,
                 weight: float = .5, hidden_dim: int = 2048) -> None:
        super().__init__()
        if not 0 <= weight < math.inf:
            raise ValueError('alignment.weight must be a finite number of at '
                             f'least 0, got {weight}.')
        self.feature_dim, self.depth, self.weight = feature_dim, depth, weight
        self.projector = nn.Sequential(
            nn.Linear(dim, hidden_dim), nn.SiLU(),
            nn.Linear(hidden_dim, hidden_dim), nn.SiLU(),
            nn.Linear(hidden_dim, feature_dim))

    def forward(self, tokens: Tensor, patches: Tensor) -> Tensor:
        """The weighted loss, REPA eq. 8: minus the mean cosine similarity.

        Args:
            tokens (N, L, D): Of noisy images, row-major.
            patches (N, E, h, w): Of the clean images. Another grid than that
                of the tokens is resampled.

        Raises:
            ValueError: The patches are not E values wide.
        """
        if patches.shape[1] != self.feature_dim:
            raise ValueError(
                f'alignment.feature_dim is {self.feature_dim}, and the patch '
                f'encoder gives {patches.shape[1]} values for each patch; set '
                'the one to the other.')
        side, patches = math.isqrt(tokens.shape[1]), patches.float()
        if patches.shape[-2:] != (side, side):
            patches = F.interpolate(patches, (side, side), mode='bilinear',
                                    align_corners=False, antialias=True)
        projected = self.projector(tokens).float()  # (N, L, E)
        cosine = F.cosine_similarity(
            projected, patches.flatten(2).transpose(1, 2), dim=-1)
        return -self.weight * cosine.mean()


@PIXEL_GENERATORS.register_module()
class AlignedDiffusionGenerator(DiffusionGenerator):
    """A diffusion model whose hidden tokens learn to be an encoder's patches.

    It samples as :class:`DiffusionGenerator` does. The patches come from
    :class:`~rcg.models.aligned_rcg.AlignedRCG`.

    Args:
        network: Config of a transformer that returns hidden tokens: it has
            ``dim`` and ``depth``, and takes ``hidden_depth`` as
            :class:`~rcg.models.networks.DiT` does.
        alignment: Arguments of :class:`Alignment` but ``dim``.
        kwargs: Other arguments of :class:`DiffusionGenerator`.

    Raises:
        ValueError: The network has no hidden tokens, or fewer blocks.
    """

    def __init__(self, network: dict, *, alignment: dict, **kwargs) -> None:
        super().__init__(network, **kwargs)
        depth = getattr(self.network, 'depth', None)
        if depth is None:
            raise ValueError(
                'alignment needs a network of blocks of tokens, such as DiT, '
                f'got {type(self.network).__name__}.')
        self.alignment = Alignment(self.network.dim, **alignment)
        if not 1 <= self.alignment.depth <= depth:
            raise ValueError('alignment.depth must be in [1, '
                             f'{depth}], the number of blocks of the network, '
                             f'got {self.alignment.depth}.')

    def loss(self, codes: Tensor, condition: Tensor | None, rng: SampleRng,
             patches: Tensor | None = None) -> dict[str, Tensor]:
        """Those of the diffusion, and ``loss_alignment``.

        Args:
            codes, condition, rng: See :meth:`DiffusionGenerator.loss`.
            patches (N, E, h, w): Of the clean images.

        Raises:
            ValueError: There are no patches.
        """
        if patches is None:
            raise ValueError(
                'a generator with alignment is trained with the patches of an '
                "encoder: set model.type to 'AlignedRCG' and model."
                "patch_encoder; names of a CacheFeaturesHook need 'patches'.")
        hidden = []

        def network(*args) -> Tensor:
            output, tokens = self.network(
                *args, hidden_depth=self.alignment.depth)
            hidden.append(tokens)
            return output

        losses = self.losses_of(network, codes, condition, rng)
        tokens, = hidden
        return {**losses, 'loss_alignment': self.alignment(tokens, patches)}
