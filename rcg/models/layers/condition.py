"""How a condition enters a generator: dropped now and then, then embedded.

A generator's network holds one of these, or none if it is unconditional.
``kind`` says what :class:`~rcg.models.rcg.RCG` must pass. ``drop_prob`` is the
probability in training that a learned null condition takes the condition's
place, so that guidance has something to compare with; at 0 there is none, and
no guidance. Letters: N batch, D representation, E embedding.
"""
import torch
from torch import Tensor, nn

from rcg.registry import MODELS
from rcg.rng import SampleRng

_NO_NULL = ('guidance needs a null {}: train with drop_prob > 0, or set '
            'guidance_scale=1.')


def build_condition(cfg: dict | None, dim: int) -> nn.Module | None:
    """A condition layer with embeddings of ``dim``; None is unconditional."""
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
        drop_prob: Of the null condition, a vector in representation space; 0
            in the published ADM and LDM.
        project: Whether a linear layer leads from D to E, or nothing does
            (the published LDM), which asks for D = E.
    """
    kind = 'representation'

    def __init__(self, rep_dim: int, dim: int, drop_prob: float = .1,
                 project: bool = True) -> None:
        super().__init__()
        if not project and rep_dim != dim:
            raise ValueError(
                f'without projection the network takes representations of '
                f'{dim} values, got rep_dim={rep_dim}; set project=True or '
                f'the width of the context to {rep_dim}.')
        self.rep_dim, self.drop_prob = rep_dim, drop_prob
        self.null_condition = None
        if drop_prob > 0:
            self.null_condition = nn.Parameter(torch.randn(1, rep_dim) * .02)
        self.condition_proj = (nn.Linear(rep_dim, dim) if project else
                               nn.Identity())

    def forward(self, condition: Tensor,
                rng: SampleRng | None = None) -> Tensor:
        """Embed (N, D) -> (N, E); with ``rng``, drop some rows first."""
        if condition.shape[-1] != self.rep_dim:
            raise ValueError(
                'the generator is conditioned on representations of '
                f'{self.rep_dim} values, got {condition.shape[-1]}; set '
                "rep_dim of its condition to the encoder's and the RDM's.")
        if rng is not None and self.null_condition is not None:
            drop = rng.uniform(1) < self.drop_prob  # (N, 1)
            condition = torch.where(drop, self.null_condition, condition)
        return self.condition_proj(condition)

    def null(self, batch_size: int) -> Tensor:
        """The embedded null condition, (N, E); a ValueError if none."""
        if self.null_condition is None:
            raise ValueError(_NO_NULL.format('representation'))
        return self.condition_proj(self.null_condition).expand(batch_size, -1)


@MODELS.register_module()
class LabelCondition(nn.Module):
    """Embed one of ``num_classes`` labels: the class-conditional baseline.

    The null label is an extra row; the published MAGE has none.
    """
    kind = 'label'

    def __init__(self, num_classes: int, dim: int,
                 drop_prob: float = 0.) -> None:
        super().__init__()
        self.num_classes, self.drop_prob = num_classes, drop_prob
        self.embedding = nn.Embedding(num_classes + (drop_prob > 0), dim)
        nn.init.normal_(self.embedding.weight, std=.02)

    def forward(self, condition: Tensor,
                rng: SampleRng | None = None) -> Tensor:
        """Embed labels (N,) int64 -> (N, E); with ``rng``, drop some."""
        if rng is not None and self.drop_prob > 0:
            drop = rng.uniform() < self.drop_prob
            condition = condition.masked_fill(drop, self.num_classes)
        return self.embedding(condition)

    def null(self, batch_size: int) -> Tensor:
        """The embedding of the null label, (N, E); a ValueError if none."""
        if self.drop_prob == 0:
            raise ValueError(_NO_NULL.format('label'))
        return self.embedding.weight[-1:].expand(batch_size, -1)
