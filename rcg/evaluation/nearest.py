"""Do samples repeat the training images?"""
import torch
from torch import Tensor

from rcg.evaluation.neighbors import nearest_distance


def nearest_train(train: Tensor, held_out: Tensor, fake: Tensor,
                  quantile: float = .05) -> tuple[float, float]:
    """Compare the samples' distances to training images with held-out ones'.

    A model that has learned the distribution is as far from its training
    images as new real images are. One that copies is nearer.

    Args:
        train (N, D), held_out (M, D), fake (L, D): Features.
        quantile: Share of the held-out images that counts as near.

    Returns:
        Share of the samples that are nearer to a training image than all but
        the nearest ``quantile`` of the held-out images (no copying: about
        ``quantile``), and the mean nearest distance of the samples over that
        of the held-out images (no copying: about 1).

    Raises:
        ValueError: A feature is not finite, or held-out images all repeat
            training images.
    """
    real = nearest_distance(held_out, train)
    ours = nearest_distance(fake, train)
    if real.mean() == 0:
        raise ValueError('every held-out image is also a training image: '
                         'give NearestTrain two different splits.')
    near = ours < torch.quantile(real, quantile)
    return near.double().mean().item(), (ours.mean() / real.mean()).item()
