"""How far an RDM's representations lie from those of training images.

No labels, no images and no generator are needed, so these numbers are known
before the generator is trained.
"""
import math
from pathlib import Path

import torch
from torch import Tensor

from rcg.apis.inferencer import RCGInferencer
from rcg.datasets.digits import Digits
from rcg.evaluation.functional.neighbors import (
    kth_neighbor_distance,
    nearest,
)
from rcg.rng import SampleRng


def predictors(run: Path, seed: int) -> dict[str, float]:
    """Predictors of the best noise for a seed; see :func:`compare`.

    Args:
        run: Work folder of an RCG model on digits, for its encoder and RDM.
        seed: Of the RDM's samples, as many as there are training digits.
            Images that are scored with this seed are drawn from them.
    """
    rcg = RCGInferencer(str(run), str(run), 'cpu')
    train, held_out = (rcg.encode(
        torch.from_numpy(Digits(split).images).permute(0, 3, 1, 2))
        for split in ('train', 'test'))
    rng = SampleRng.from_seed(seed, range(len(train)))
    with torch.no_grad(), rcg.model.rdm.in_float32(rcg.device) as rdm:
        drawn = rdm.sample(rng)
    return compare(drawn, held_out, train)


def compare(drawn: Tensor, held_out: Tensor,
            train: Tensor) -> dict[str, float]:
    """Root mean square distances, over the root of D.

    In many dimensions a training representation with noise of standard
    deviation s is about s away from it on this scale. So s that equals the
    distance of the RDM's representations makes both look alike.

    Args:
        drawn (N, D): Representations of the RDM.
        held_out (L, D): Of real images that nothing was trained on.
        train (M, D): Of the training images.

    Returns:
        ``drawn``, ``held_out``, ``train``: distance to the nearest training
        representation (``train``: the nearest other). ``excess``: root of
        the difference of the squares of the first two, which is the part
        that is the RDM's error; 0 if held-out images are farther away.
    """
    size = train.shape[1]
    found = {
        name: (distances.square().mean() / size).sqrt().item()
        for name, distances in dict(
            drawn=nearest(drawn, train)[0],
            held_out=nearest(held_out, train)[0],
            train=kth_neighbor_distance(train, 1)).items()}
    excess = found['drawn']**2 - found['held_out']**2
    return dict(found, excess=math.sqrt(max(excess, 0.)))
