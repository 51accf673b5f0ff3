"""Does a generator follow representations that it was not trained on?

    python -m rcg.projects.condition_noise.generalization RUN [RUN ...]

RUN is the work folder of an RCG model on digits. It is given the
representations of real digits, once those of the training digits and once
those of the held-out ones; the RDM takes no part. What differs between the
two is what the generator has learned by heart.
"""
import argparse
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from rcg.apis.inferencer import RCGInferencer
from rcg.apis.run_config import load_any_config
from rcg.datasets.digits import Digits
from rcg.evaluation.extractors.extractor import shared_extractor
from rcg.evaluation.functional.distances import frechet_distance
from rcg.evaluation.references.dataset_reference import DatasetReference
from rcg.rng import SampleRng

_PASSES = 8  # over the training digits, for the loss; as many held-out ones
_SPLITS = {'train': 'training', 'test': 'held-out'}


def generalization(run: Path) -> dict[str, dict[str, float]]:
    """Loss and distances, by the split whose representations are given.

    Args:
        run: Work folder of an RCG model on digits.

    Returns:
        For 'train' and 'test': ``loss`` per image, without dropped
        conditions and noise, and the Frechet distances of drawn images to
        the digits of both splits, ``fd_train`` and ``fd_test``. There are
        as many images from either split.
    """
    rcg = RCGInferencer(str(run), str(run), 'cpu')
    embed = rcg.model.generator.network.condition_embed
    embed.drop_prob = embed.noise_std = 0.
    extractor = shared_extractor(
        load_any_config(str(run)).test_evaluator[0].extractor.to_dict())
    images = {split: torch.from_numpy(Digits(split).images).permute(
        0, 3, 1, 2) for split in _SPLITS}
    real = {split: DatasetReference(dict(type='Digits', split=split),
                                    extractor).moments('cpu')
            for split in _SPLITS}
    out = {}
    for split, given in images.items():
        repeats = len(images['train']) // len(given)
        drawn = rcg.reconstruct(given, repeats, batch_size=128,
                                output='tensor')
        features = extractor(drawn.flatten(0, 1))['features'].double()
        moments = features.mean(0), features.T.cov()
        out[split] = dict(loss=_loss(rcg, given, _PASSES * repeats), **{
            f'fd_{other}': frechet_distance(*moments, *real[other])
            for other in _SPLITS})
    return out


@torch.no_grad()
def _loss(rcg: RCGInferencer, images: Tensor, passes: int) -> float:
    """Mean loss of the generator on images (N, 3, H, W) uint8."""
    model, losses = rcg.model, []
    encoded = model.encode(
        model.data_preprocessor(dict(images=images))['images'])
    for seed in range(passes):
        rng = SampleRng.from_seed(seed, range(len(images)))
        found = model.loss(encoded['codes'], encoded['representations'], rng)
        losses.append(model.parse_losses(found)[0].item())
    return sum(losses) / passes


def table(runs: list[Path]) -> Iterator[str]:
    """Rows of a Markdown table, each when it is known."""
    yield ('| run | representations of | loss | FD to training digits | '
           'FD to held-out digits |')
    yield '|---|---|---|---|---|'
    for run in runs:
        for split, scores in generalization(run).items():
            yield (f'| {run.name} | {_SPLITS[split]} digits | '
                   f'{scores["loss"]:.3f} | {scores["fd_train"]:.3f} | '
                   f'{scores["fd_test"]:.3f} |')


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('runs', type=Path, nargs='+', metavar='RUN')
    for row in table(parser.parse_args().runs):
        print(row, flush=True)


if __name__ == '__main__':
    main()
