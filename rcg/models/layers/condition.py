"""Condition layers: a condition (representation or label) -> its embedding.

A generator's network holds one as ``condition_embed``, or None if it is
unconditional. ``kind`` is the kind of condition that the layer takes. In
training, a learned null condition replaces the condition with the probability
``drop_prob``; guidance compares with the null condition, so a layer with
drop_prob = 0 has none and cannot be guided.

N batch, D width of the representation, E width of the embedding.
"""
import math

import torch
from torch import Tensor, nn

from rcg.frozen import Frozen, HasFrozenParts
from rcg.models.layers.nearest_centroid import nearest_centroid
from rcg.registry import MODELS, REPRESENTATION_DIFFUSERS
from rcg.rng import SampleRng

_NO_NULL = ('guidance needs a null {}: train with drop_prob > 0, or set '
            'guidance_scale=1.')


def build_condition_embed(cfg: dict | None, dim: int) -> nn.Module | None:
    """Build the layer ``condition_embed`` of a network, or None.

    Args:
        cfg: Config of the layer without ``dim``; None is unconditional.
        dim: E.
    """
    return None if cfg is None else MODELS.build(dict(cfg, dim=dim))


def embed_condition(layer: nn.Module | None, condition: Tensor | None,
                    rng: SampleRng | None = None) -> Tensor | None:
    """Embed conditions (N, ...) -> (N, E); None if there is no layer.

    With ``rng``, in training, the layer drops some of them.
    """
    return None if layer is None else layer(condition, rng)


@MODELS.register_module()
class RepresentationCondition(nn.Module):
    """Project a representation; RCG (arXiv:2312.03701) section 3.3.

    Args:
        rep_dim: D.
        dim: E.
        drop_prob: Probability of the null condition, a learned vector (D,);
            0 in the published ADM and LDM.
        project: Whether a linear layer maps D to E. If not (the published
            LDM), the representation itself is the embedding, and D = E.
        noise_std: Standard deviation of Gaussian noise that is added to
            representations in training, whose values have about unit
            variance. It keeps a generator from following the training
            representations to the letter, beside which those of an RDM lie
            (conditioning augmentation, arXiv:2106.15282 section 4). The
            published code has none.

    Raises:
        ValueError: D and E differ, and there is no projection; or
            ``noise_std`` is negative or not finite.
    """
    kind = 'representation'

    def __init__(self, rep_dim: int, dim: int, drop_prob: float = .1,
                 project: bool = True, noise_std: float = 0.) -> None:
        super().__init__()
        if not 0 <= noise_std < math.inf:
            raise ValueError('noise_std must be a finite number of at least '
                             f'0, got {noise_std}.')
        if not project and rep_dim != dim:
            raise ValueError(
                f'without projection the network takes representations of '
                f'{dim} values, got rep_dim={rep_dim}; set project=True or '
                f'the width of the context to {rep_dim}.')
        self.rep_dim, self.drop_prob = rep_dim, drop_prob
        self.noise_std = noise_std
        self.null_condition = None
        if drop_prob > 0:
            self.null_condition = nn.Parameter(torch.randn(1, rep_dim) * .02)
        self.condition_proj = (nn.Linear(rep_dim, dim) if project else
                               nn.Identity())

    def forward(self, condition: Tensor,
                rng: SampleRng | None = None) -> Tensor:
        """Embed (N, D) -> (N, E); with ``rng``, add noise and drop rows first.

        Raises:
            ValueError: The representations are not D values wide.
        """
        if condition.shape[-1] != self.rep_dim:
            raise ValueError(
                'the generator is conditioned on representations of '
                f'{self.rep_dim} values, got {condition.shape[-1]}; set '
                "rep_dim of its condition to the encoder's and the RDM's.")
        drops = rng is not None and self.null_condition is not None
        drop = rng.uniform(1) < self.drop_prob if drops else None  # (N, 1)
        if rng is not None and self.noise_std > 0:
            condition = condition + self.noise_std * rng.normal(self.rep_dim)
        if drops:
            condition = torch.where(drop, self.null_condition, condition)
        return self.condition_proj(condition)

    def null(self, batch_size: int) -> Tensor:
        """The embedding of the null condition, (N, E).

        Raises:
            ValueError: There is none, as ``drop_prob`` is 0.
        """
        if self.null_condition is None:
            raise ValueError(_NO_NULL.format('representation'))
        return self.condition_proj(self.null_condition).expand(batch_size, -1)


@MODELS.register_module()
class LabelCondition(nn.Module):
    """Embed a label, for the class-conditional baseline.

    Args:
        num_classes: Number of labels.
        dim: E.
        drop_prob: Probability of the null label, which is an extra row of the
            table; 0 in the published MAGE.
    """
    kind = 'label'

    def __init__(self, num_classes: int, dim: int,
                 drop_prob: float = 0.) -> None:
        super().__init__()
        self.num_classes, self.drop_prob = num_classes, drop_prob
        rows = num_classes + 1 if drop_prob > 0 else num_classes
        self.embedding = nn.Embedding(rows, dim)
        nn.init.normal_(self.embedding.weight, std=.02)

    def forward(self, condition: Tensor,
                rng: SampleRng | None = None) -> Tensor:
        """Embed labels (N,) int64 -> (N, E); with ``rng``, drop some."""
        if rng is not None and self.drop_prob > 0:
            drop = rng.uniform() < self.drop_prob
            condition = condition.masked_fill(drop, self.num_classes)
        return self.embedding(condition)

    def null(self, batch_size: int) -> Tensor:
        """The embedding of the null label, (N, E).

        Raises:
            ValueError: There is none, as ``drop_prob`` is 0.
        """
        if self.drop_prob == 0:
            raise ValueError(_NO_NULL.format('label'))
        return self.embedding.weight[-1:].expand(batch_size, -1)


@MODELS.register_module()
class ClusterCondition(HasFrozenParts, LabelCondition):
    """Embed the number of the cluster that a representation is in.

    The label without labels of RCG's table 9a (arXiv:2312.03701). It takes
    representations, as :class:`RepresentationCondition` does, and keeps of
    them which centroid is the nearest. Sampling draws centroids: give the
    same config as ``clusters`` here and as ``rdm`` of the model, and no RDM
    is needed.

    Args:
        clusters: Config of the :class:`StoredRepresentations` of centroids,
            with ``checkpoint``.
        dim: E.
        drop_prob: Probability of the null label, as in
            :class:`LabelCondition`.

    Attributes:
        centroids (K, D): They stay those of the training, being part of its
            checkpoint. Numbers of clusters in another file, even if it is
            made by the same command, mean other clusters.
    """
    kind = 'representation'

    def __init__(self, clusters: dict, dim: int,
                 drop_prob: float = 0.) -> None:
        super().__init__(clusters['num'], dim, drop_prob)
        self.clusters = Frozen.build(REPRESENTATION_DIFFUSERS, clusters)
        self.rep_dim = self.clusters.rep_dim
        self.register_buffer('centroids',
                             self.clusters.representations.clone())

    def forward(self, condition: Tensor,
                rng: SampleRng | None = None) -> Tensor:
        """Embed representations (N, D) -> (N, E); with ``rng``, drop some."""
        return super().forward(self.numbers(condition), rng)

    def numbers(self, representations: Tensor) -> Tensor:
        """Numbers (N,), int64, of the clusters of representations (N, D).

        Raises:
            ValueError: The representations are not D values wide.
        """
        return nearest_centroid(representations, self.centroids)[0]
