"""Inception Score, from sums in which the order does not matter."""
import functools

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

_SCALE = 2.**40  # probabilities become multiples of its inverse, in int64
_MOST = 1_000_000  # samples of a split; more could overflow


def inception_score(logits: Tensor,
                    num_splits: int = 10) -> tuple[float, float]:
    """Inception Score, exp E KL(p(y|x) || p(y)) (arXiv:1606.03498).

    The samples are cut into splits in torch-fidelity's fixed random order.
    Class-conditional samples often come in the order of their classes; then
    each split would hold few classes and score far too low.

    Args:
        logits (N, K): In the order of the indices.
        num_splits: Number of parts, at most N; each gives one score.

    Returns:
        Mean and standard deviation of the scores.

    Raises:
        ValueError: A logit is not finite, or the number of splits is wrong.
    """
    splits = split_of_samples(len(logits), num_splits)
    return score_of_sums(split_sums(logits.cpu(), splits, num_splits))


@functools.lru_cache(maxsize=1)
def split_of_samples(size: int, num_splits: int) -> Tensor:
    """Which split each sample belongs to: (size,), int64.

    Raises:
        ValueError: A split would be empty, or too large for exact sums.
    """
    if not 1 <= num_splits <= size or size > num_splits * _MOST:
        raise ValueError(
            f'num_splits must be from 1 to the {size} samples, got '
            f'{num_splits}; a split has at most {_MOST}.')
    order = np.random.RandomState(2020).permutation(size)
    ends = np.arange(1, num_splits + 1) * size // num_splits
    splits = np.empty(size, np.int64)
    splits[order] = np.searchsorted(ends, np.arange(size), side='right')
    return torch.from_numpy(splits)


def split_sums(logits: Tensor, splits: Tensor, num_splits: int) -> Tensor:
    """Sums over the samples of each split, in fixed-point numbers.

    So the order of the samples does not matter. The error of a probability
    is below 1e-12.

    Args:
        logits (N, K): Of the samples.
        splits (N,): Which split each belongs to.
        num_splits: S.

    Returns:
        (S, K + 2): Sums of the K probabilities p, of sum p log p, and of 1,
        int64.

    Raises:
        ValueError: A logit is not finite.
    """
    if not logits.isfinite().all():
        raise ValueError('inception_score got NaN or infinite logits; look '
                         'for NaN in the images and in the extractor.')
    log_p = logits.double().log_softmax(-1)
    p = log_p.exp()
    rows = torch.cat([p, (p * log_p).sum(-1, keepdim=True)], 1)
    rows = rows.mul_(_SCALE).round_().long()
    rows = F.pad(rows, (0, 1), value=1)
    return rows.new_zeros(num_splits, rows.shape[1]).index_add_(
        0, splits.to(rows.device), rows)


def score_of_sums(sums: Tensor) -> tuple[float, float]:
    """Mean and standard deviation of the scores of the splits."""
    means = sums[:, :-1].double().cpu() / _SCALE / sums[:, -1:].cpu()
    marginal, entropy = means[:, :-1], means[:, -1]
    scores = (entropy - torch.xlogy(marginal, marginal).sum(-1)).exp()
    return scores.mean().item(), scores.std(correction=0).item()

