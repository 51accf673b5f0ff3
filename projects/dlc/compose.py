"""Composition: images from half of the tokens of each of two images.

Of a model of RCG, whose representations are vectors, it takes half of the
numbers of each. A number stands for nothing by itself: that is to compare.
"""
from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.config import Config
from torch import Tensor

from rcg.apis import RCGInferencer, load_images
from rcg.apis.grid import labelled_grid
from rcg.apis.run_config import checkpoint_for, load_any_config, name_of
from rcg.apis.sample_folder import SampleFolder, default_folder
from rcg.models.generators.masking import random_masks
from rcg.rng import SampleRng


def composed(first: Tensor, second: Tensor, rng: SampleRng,
             share: float = .5) -> Tensor:
    """Representations with parts of two others, in random places.

    Args:
        first, second (N, L): Token ids, or vectors.
        rng: A stream for each row; it chooses the places.
        share: Share of the places that come from ``second``, in [0, 1]; their
            number is rounded up.
    """
    shares = torch.full((len(rng), ), share, device=rng.device)
    from_second, _ = random_masks(rng.uniform(first.shape[1]), shares, 0)
    return torch.where(from_second, second, first)


def compose(model: RCGInferencer, first, second, num: int = 4, seed: int = 0,
            share: float = .5, batch_size: int | str = 8,
            output: str = 'pil', **settings) -> Sequence:
    """Draw images from parts of the representations of two images.

    Args:
        model: Conditioned on discrete latent codes, or on vectors.
        first, second: An image each.
        num: Images to draw. They differ in which places come from which
            image; the noise of the generator is that of one stream.
        seed: Of places and noise.
        share: Of the places that come from ``second``.
        batch_size, output, settings: See :meth:`RCGInferencer.sample`.

    Returns:
        ``num`` images.

    Raises:
        ValueError: ``share`` is out of range; and see
            :meth:`RCGInferencer.encode`.
    """
    if not 0 <= share <= 1:
        raise ValueError(f'share must be in [0, 1], got {share}.')
    ends = [model.encode(image) for image in (first, second)]
    rng = SampleRng.from_seed(seed, range(num), model.device)
    codes = composed(*ends, rng, share)
    drawn = model.draw(codes, 1, seed, batch_size, output, **settings)
    return [row[0] for row in drawn] if output == 'pil' else drawn[:, 0]


def compose_images(config: Config | dict | str, checkpoint: str | None,
                   first: Sequence[str], second: Sequence[str],
                   out: str | None = None, *, seed: int = 0,
                   share: float = .5, device: str | None = None,
                   options: list[str] | dict | None = None) -> Path:
    """Write a grid: each image of a column with each of a row.

    Args:
        config: See :func:`~rcg.apis.run_config.load_any_config`.
        checkpoint: File or work folder. None: that is what ``config`` is.
        first: Images of the rows; see :func:`rcg.apis.load_images`.
        second: Images of the columns.
        out: A :class:`SampleFolder`; by default :func:`default_folder`.
        seed: The places are those of stream (seed, 0).
        share: Share of the places that come from the image of the column.
        device: See :class:`~rcg.apis.RCGInferencer`.
        options: Changes of the config by dotted key.

    Returns:
        Path of grid.png. The first row and column are the given images.

    Raises:
        ValueError: See :func:`compose`.
    """
    checkpoint = checkpoint_for(config, checkpoint)
    cfg = load_any_config(config, options)
    model = RCGInferencer(cfg, checkpoint, device)
    folder = SampleFolder(out or default_folder(model.checkpoint), dict(
        checkpoint=str(model.checkpoint), config=name_of(config), seed=seed,
        first=list(first), second=list(second), share=share))
    lefts, names = load_images(cfg, first)
    tops, titles = load_images(cfg, second)
    rows = [('', [torch.full_like(tops[0], 255), *tops])]
    for name, left in zip(names, lefts, strict=True):
        drawn = [compose(model, left, top, 1, seed, share, output='tensor')[0]
                 for top in tops]
        rows.append((name, [left, *drawn]))
        folder.add(torch.stack(drawn), len(lefts) * len(tops))
    return folder.finish(labelled_grid(rows, ['', *titles]))
