"""Codebooks whose codes are running averages of the vectors they quantise.

Letters: M vectors of this process, K codes, D width of a code. All processes
get the same results, however the batch is split among them.
"""
import torch
from mmengine.dist import all_gather, all_reduce
from torch import Tensor, nn
from torch.nn import functional as F

from rcg.precision import exact_float32
from rcg.registry import MODELS


def pick(vectors: Tensor, scores: Tensor, count: int) -> Tensor:
    """The ``count`` vectors of highest score among all processes.

    Args:
        vectors (M, D): Candidates of this process; M is the same on each.
        scores (M,): From the samples' own streams, so that the choice does
            not depend on how samples are split among processes.
        count: If there are fewer vectors, they are repeated in order.

    Returns:
        (count, D): float32, by falling score.
    """
    # First on each process, so that there is less to gather.
    vectors, scores = _top(vectors.float(), scores, count)
    vectors, _ = _top(torch.cat(all_gather(vectors)),
                      torch.cat(all_gather(scores)), count)
    repeats = -(-count // len(vectors))
    return vectors.repeat(repeats, 1)[:count]


def _top(vectors: Tensor, scores: Tensor,
         count: int) -> tuple[Tensor, Tensor]:
    scores, best = scores.topk(min(count, len(scores)))
    return vectors[best], scores


def count_codes(ids: Tensor, num_codes: int) -> Tensor:
    """Number of uses of each code on all processes, (K,) float32."""
    counts = torch.bincount(ids.flatten(), minlength=num_codes).float()
    all_reduce(counts)
    return counts


@MODELS.register_module()
class EMACodebook(nn.Module):
    """Moves each code to the running average of the vectors it quantises.

    See VQ-VAE (arXiv:1711.00937), appendix A.1. Rarely used ("dead") codes
    are replaced by vectors of the batch, as in Jukebox (arXiv:2005.00341),
    section 3.1.

    Args:
        num_codes: K; the model sets it.
        dim: D; the model sets it.
        decay: Weight of the previous average in each step, in (0, 1).
        reseed_interval: Steps between two replacements of dead codes.
        dead_share: A code is dead if its use is less than this fraction of
            the mean use of all codes; in [0, 1). 0 keeps all codes.

    Raises:
        ValueError: An argument is out of range.
    """

    # Laplace smoothing, in vectors a code: an unused code stays finite.
    smoothing = 1e-5

    def __init__(self, num_codes: int, dim: int, decay: float = .99,
                 reseed_interval: int = 10, dead_share: float = .1) -> None:
        super().__init__()
        if not 0 < decay < 1 or not 0 <= dead_share < 1:
            raise ValueError('decay must be in (0, 1) and dead_share in '
                             f'[0, 1), got {decay} and {dead_share}.')
        if reseed_interval < 1:
            raise ValueError('reseed_interval must be 1 or more, got '
                             f'{reseed_interval}; dead_share=0 turns '
                             'reseeding off.')
        self.decay, self.dead_share = decay, dead_share
        self.reseed_interval = reseed_interval
        self.register_buffer('cluster_size', torch.ones(num_codes))
        self.register_buffer('code_sum', torch.zeros(num_codes, dim))

    @torch.no_grad()
    def start(self, codebook: Tensor) -> None:
        """Start the averages at the codes, each counted as one vector."""
        self.cluster_size.fill_(1)
        self.code_sum.copy_(codebook)

    @torch.no_grad()
    def update(self, codebook: Tensor, vectors: Tensor, ids: Tensor) -> None:
        """Update the averages with one batch, and the codes with them.

        Args:
            codebook (K, D): Changed in place.
            vectors (M, D): Vectors before quantisation.
            ids (M,): The code of each vector.
        """
        K = len(codebook)
        # A matrix product, since a scatter's sums vary from run to run on a
        # GPU; in exact float32 even under autocast.
        with exact_float32(vectors.device):
            chosen = F.one_hot(ids, K).float()  # (M, K)
            batch = torch.cat([chosen.T @ vectors.float(),
                               chosen.sum(0)[:, None]], 1)  # (K, D + 1)
        all_reduce(batch)
        self.code_sum.lerp_(batch[:, :-1], 1 - self.decay)
        self.cluster_size.lerp_(batch[:, -1], 1 - self.decay)
        total = self.cluster_size.sum()
        size = (self.cluster_size + self.smoothing) * (
            total / (total + K * self.smoothing))
        codebook.copy_(self.code_sum / size[:, None])

    def reseeds(self, step: int) -> bool:
        """Whether dead codes are replaced after step ``step``."""
        return self.dead_share > 0 and (step + 1) % self.reseed_interval == 0

    @torch.no_grad()
    def reseed(self, codebook: Tensor, vectors: Tensor,
               scores: Tensor) -> None:
        """Replace dead codes by vectors, without waiting for the device.

        The probability of a vector is proportional to its squared distance
        from the nearest code, as k-means++ chooses its starts.

        Args:
            codebook (K, D): Changed in place.
            vectors (M, D): Vectors before quantisation.
            scores (M,): Standard Gumbel numbers from the samples' streams.
        """
        distances = torch.cdist(vectors.float(), codebook).amin(1).square()
        seeds = pick(vectors, scores + distances.clamp(min=1e-12).log(),
                     len(codebook))
        even = self.cluster_size.mean()
        dead = self.cluster_size < self.dead_share * even  # (K,)
        # The n-th dead code gets the n-th seed.
        seeds = seeds[(dead.cumsum(0) - 1).clamp(min=0)]
        # Unused, the code is dead again after about 1 / (1 - decay) steps.
        size = torch.where(dead, 3 * self.dead_share * even,
                           self.cluster_size)
        self.code_sum.copy_(torch.where(dead[:, None], seeds * size[:, None],
                                        self.code_sum))
        self.cluster_size.copy_(size)
        codebook.copy_(torch.where(dead[:, None], seeds, codebook))
