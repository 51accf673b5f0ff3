"""How codes learn: from data at first, then as averages of their vectors.

Letters: M vectors of this process, K codes, D width of a code. All results
are the same on every process, however the batch is split.
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
        vectors (M, D): Candidates of this process; as many on each.
        scores (M,): Drawn from the samples' own streams, so that who is
            picked does not depend on the process that holds it.
        count: Repeats the best from the start if there are fewer vectors.

    Returns:
        (count, D): float32, best first.
    """
    for gather in (lambda x: x, lambda x: torch.cat(all_gather(x))):
        vectors, scores = gather(vectors.float()), gather(scores)
        scores, best = scores.topk(min(count, len(scores)))
        vectors = vectors[best]
    repeats = -(-count // len(vectors))
    return vectors.repeat(repeats, 1)[:count]


def count_codes(ids: Tensor, num_codes: int) -> Tensor:
    """How often each code was used on all processes, (K,) float32."""
    counts = torch.bincount(ids.flatten(), minlength=num_codes).float()
    all_reduce(counts)
    return counts


@MODELS.register_module()
class EMACodebook(nn.Module):
    """Moves each code to the running average of the vectors it stands for.

    VQ-VAE (arXiv:1711.00937) appendix A.1. Codes that hardly any vector uses
    become vectors of the batch, as in Jukebox (arXiv:2005.00341) section 3.1.

    Args:
        num_codes: K; filled in by the model.
        dim: D; filled in by the model.
        decay: Share of the average that a step keeps.
        reseed_interval: Steps between two searches for dead codes.
        dead_share: A code is dead if used less often than this share of an
            even use of all codes. 0 keeps all codes.

    Raises:
        ValueError: An argument is out of range.
    """

    # Laplace smoothing, in vectors a code; keeps an unused code finite.
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
        """Begin averaging from the codes as they are, each worth 1 vector."""
        self.cluster_size.fill_(1)
        self.code_sum.copy_(codebook)

    @torch.no_grad()
    def update(self, codebook: Tensor, vectors: Tensor, ids: Tensor) -> None:
        """Take one batch into the averages and move the codes there.

        Args:
            codebook (K, D): Changed in place.
            vectors (M, D): Unquantised vectors.
            ids (M,): The code that each was given.
        """
        K = len(codebook)
        # A product and not a scatter, whose sums vary from run to run on a
        # GPU; exact whatever autocast says.
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
        """Whether dead codes are looked for after step ``step``."""
        return self.dead_share > 0 and (step + 1) % self.reseed_interval == 0

    @torch.no_grad()
    def reseed(self, codebook: Tensor, vectors: Tensor,
               scores: Tensor) -> None:
        """Replace dead codes by vectors, without a look at how many.

        The squared distance from its code weighs a vector's chance, as
        k-means++ chooses its starts.

        Args:
            codebook (K, D): Changed in place.
            vectors (M, D): Unquantised vectors.
            scores (M,): Standard Gumbel numbers, from the samples' streams.
        """
        distances = torch.cdist(vectors.float(), codebook).amin(1).square()
        seeds = pick(vectors, scores + distances.clamp(min=1e-12).log(),
                     len(codebook))
        even = self.cluster_size.mean()
        dead = self.cluster_size < self.dead_share * even  # (K,)
        # The n-th dead code gets the n-th seed.
        seeds = seeds[(dead.cumsum(0) - 1).clamp(min=0)]
        # It dies again if nothing comes in about 1 / (1 - decay) steps.
        size = torch.where(dead, 3 * self.dead_share * even,
                           self.cluster_size)
        self.code_sum.copy_(torch.where(dead[:, None], seeds * size[:, None],
                                        self.code_sum))
        self.cluster_size.copy_(size)
        codebook.copy_(torch.where(dead[:, None], seeds, codebook))
