"""Representations out of a file, in place of an RDM."""
import torch
from torch import Tensor, nn

from rcg.models.layers.nearest_centroid import draw_by_counts
from rcg.registry import REPRESENTATION_DIFFUSERS
from rcg.rng import SampleRng


@REPRESENTATION_DIFFUSERS.register_module()
class StoredRepresentations(nn.Module):
    """Draws stored representations; RCG (arXiv:2312.03701) table 9a.

    Those of real images are the paper's oracle: they show what a generator
    could do with a perfect RDM. The centroids of clusters, each as often as
    its cluster has images, are its cluster labels; see
    :class:`ClusterCondition`.

    The file is named by ``checkpoint``.

    Args:
        num: M, the number of stored representations.
        rep_dim: D.
        num_codes: Of representations that are token ids; None: they are
            real numbers.

    Attributes:
        representations (M, D): float32; of token ids, int64.
        counts (M,): How often each is drawn, relative to the others; int64,
            with a sum below 2^31.
        made_by: The command that writes the file.
    """

    made_by = 'tools/store_representations.py'

    def __init__(self, num: int, rep_dim: int,
                 num_codes: int | None = None) -> None:
        super().__init__()
        if num < 1:
            raise ValueError(f'num must be at least 1, got {num}.')
        self.rep_dim, self.rep_codes = rep_dim, num_codes
        self.register_buffer('representations', (
            torch.randn(num, rep_dim) if num_codes is None else
            torch.randint(num_codes, (num, rep_dim))))
        self.register_buffer('counts', torch.ones(num, dtype=torch.int64))

    @torch.no_grad()
    def sample(self, rng: SampleRng, labels: Tensor | None = None) -> Tensor:
        """Draw representations (N, D), one from each stream of ``rng``.

        Args:
            rng: N random streams.
            labels: Of no use: what is drawn does not depend on them.
        """
        return self.representations[draw_by_counts(self.counts, rng)]
