"""Which of MAGE's tokens are hidden, in training and in sampling."""
import math

import torch
from torch import Tensor

from rcg.rng import SampleRng


class MaskRatioDistribution:
    """Truncated normal distribution, MAGE (arXiv:2211.09117) section 3.1.

    Args:
        mean, std: Of the normal distribution before it is truncated; the
            mean is 0.75 in RCG.
        low, high: Smallest and largest ratio; ``low`` is also the share of
            tokens that are dropped: hidden, and not given to the
            mage_encoder.
        per: 'image': one ratio for each image; 'batch': one for the batch of
            a process, as in the published code. The expected gradient is the
            same; it has less noise with 'image'.

    Raises:
        ValueError: A setting is out of range.
    """

    def __init__(self, mean: float = .75, std: float = .25, low: float = .5,
                 high: float = 1., per: str = 'image') -> None:
        if not (0 < low < high <= 1 and std > 0):
            raise ValueError('a mask ratio needs 0 < low < high <= 1 and std '
                             f'> 0, got low={low}, high={high}, std={std}.')
        if per not in ('image', 'batch'):
            raise ValueError(f"per must be 'image' or 'batch', got {per!r}.")
        self.mean, self.std, self.low, self.high = mean, std, low, high
        self.per = per
        self._edges = [.5 + .5 * math.erf((edge - mean) / std / math.sqrt(2))
                       for edge in (low, high)]

    def num_dropped(self, num_tokens: int) -> int:
        """Number of hidden tokens that are dropped from the mage_encoder."""
        return math.ceil(num_tokens * self.low)

    def quantile(self, u: Tensor) -> Tensor:
        """Ratios in [low, high] at the probabilities ``u`` in (0, 1)."""
        below, above = self._edges
        ratio = torch.special.ndtri(below + u * (above - below))
        return (self.mean + self.std * ratio).clamp(self.low, self.high)

    def sample(self, rng: SampleRng) -> Tensor:
        """One ratio (N,) for each stream."""
        ratios = self.quantile(rng.uniform())
        return ratios[:1].expand_as(ratios) if self.per == 'batch' else ratios


def random_masks(noise: Tensor, ratios: Tensor, num_dropped: int
                 ) -> tuple[Tensor, Tensor]:
    """Hide the tokens of smallest uniform ``noise`` (N, L).

    Args:
        noise (N, L): Uniform random numbers.
        ratios (N,): Share of tokens to hide; the number is rounded up.
        num_dropped: How many of the hidden tokens are not given to the
            mage_encoder.

    Returns:
        ``masked`` (N, L): True = hidden. ``kept`` (N, L - num_dropped):
        ascending places of the tokens given to the mage_encoder; the hidden
        ones among them enter as mask tokens.
    """
    order = noise.argsort(1)
    counts = (ratios * noise.shape[1]).ceil().unsqueeze(1)  # (N, 1)
    ranks = order.argsort(1)  # of each token's noise
    return ranks < counts, order[:, num_dropped:].sort(1).values


def unmasking_ratio(step: int, num_steps: int) -> float:
    """Share of tokens hidden after a step: MaskGIT's cosine schedule.

    arXiv:2202.04200 section 3.3; ``step`` is in [0, num_steps).
    """
    return math.cos(math.pi / 2 * ((step + 1) / num_steps))


def num_still_masked(step: int, num_steps: int, num_tokens: int,
                     num_unknown: int) -> int:
    """Number of tokens to hide again: in [1, num_unknown - 1], or 1."""
    wanted = math.floor(num_tokens * unmasking_ratio(step, num_steps))
    return max(1, min(num_unknown - 1, wanted))


def hide_least_confident(logits: Tensor, sampled: Tensor, unknown: Tensor,
                         count: int, temperature: float, rng: SampleRng
                         ) -> tuple[Tensor, Tensor]:
    """Which of the tokens just drawn to hide again; MaskGIT section 3.2.

    Args:
        logits (N, L, K): What ``sampled`` was drawn from.
        sampled (N, L): Token ids.
        unknown (N, L): True where the token was hidden before; the others
            are not hidden again.
        count: How many of each row to hide.
        temperature: Scale of the Gumbel noise on confidences.
        rng: It draws that noise, if there is any.

    Returns:
        (N, L): Confidences, +inf where the token was known.
        (N, L): True = hidden.
    """
    confidence = logits.log_softmax(-1).gather(
        -1, sampled.unsqueeze(-1)).squeeze(-1)
    if temperature > 0:
        confidence = confidence + temperature * rng.gumbel(sampled.shape[1])
    confidence = confidence.masked_fill(~unknown, torch.inf)
    return confidence, mask_least_confident(confidence, count)


def mask_least_confident(confidence: Tensor, count: int) -> Tensor:
    """Bool (N, L): True at the ``count`` lowest values of each row."""
    lowest = confidence.topk(count, dim=1, largest=False, sorted=False)
    return torch.zeros_like(confidence, dtype=torch.bool).scatter_(
        1, lowest.indices, True)
