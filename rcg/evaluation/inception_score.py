"""Inception Score."""
import torch
from torch import Tensor


def inception_score(logits: Tensor,
                    num_splits: int = 10) -> tuple[float, float]:
    """Inception Score, exp E KL(p(y|x) || p(y)) (arXiv:1606.03498).

    The samples are cut into splits in a fixed random order: in the order of
    their classes (as class-conditional samples often come) each split would
    hold few classes and score far too low.

    Args:
        logits (N, K): Of the classifier, in the order of the samples'
            indices.
        num_splits: Number of parts, at most N; each gives one score.

    Returns:
        Mean over the splits, and their standard deviation.

    Raises:
        ValueError: There are fewer samples than splits, or NaN logits.
    """
    if not 1 <= num_splits <= len(logits):
        raise ValueError(f'num_splits must be from 1 to the {len(logits)} '
                         f'samples, got {num_splits}.')
    if not logits.isfinite().all():
        raise ValueError('inception_score got NaN or infinite logits; look '
                         'for NaN in the images and in the extractor.')
    order = torch.randperm(len(logits),
                           generator=torch.Generator().manual_seed(2020))
    log_p = logits.double().cpu().log_softmax(-1)[order]
    scores = []
    for part in log_p.tensor_split(num_splits):
        p = part.exp()
        log_marginal = p.mean(0).log()
        # A class whose probability underflows everywhere adds nothing.
        terms = torch.where(p > 0, p * (part - log_marginal), 0.)
        scores.append(terms.sum(-1).mean().exp())
    scores = torch.stack(scores)
    return scores.mean().item(), scores.std(correction=0).item()
