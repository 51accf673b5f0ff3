"""Pictures of the quick start: samples and training curves."""
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from rcg.apis import labelled_grid
from rcg.apis.curves import plot_curves
from rcg.datasets import Digits
from rcg.projects.quickstart.plan import Plan

# Logged value of a stage, and label of the axis; models that draw images show
# their loss.
CURVES = {
    'encoder': ('top1', 'right key first'),
    'tokenizer': ('psnr', 'PSNR in dB'),
    'latents': ('psnr', 'PSNR in dB'),
    'rdm': ('representation/fd', 'representation FD'),
}

GIVEN, SHOWN = 40, 20  # digits in the tokenizer's grid, in a row here


def plot_samples(root: Path, plan: Plan, path: Path) -> None:
    """Plot held-out digits, reconstructions of them, samples of each model.

    Args:
        root: Work folder with the reconstructions and samples.
        plan: It lists the tokenizers and models.
        path: PNG file to write.
    """
    digits = Digits('test')
    # Spread as SampleGridHook's, of which half are shown.
    chosen = [i * len(digits) // GIVEN for i in range(SHOWN)]
    rows = [('held-out digits', [digits[i]['images'] for i in chosen])]
    for stage, title in plan.tokenizers.items():
        grid = max((root / stage / 'samples').glob('iter_*.png'),
                   key=lambda file: file.stat().st_mtime)
        pairs = split_grid(np.asarray(Image.open(grid)), 64, 128)[:SHOWN]
        rows.append((f'through the {title}',
                     [_planes(pair[64::4, ::4]) for pair in pairs]))
    for stage, title in plan.models.items():
        files = sorted((root / stage / 'images').glob('0*.png'))[:SHOWN]
        rows.append((title, [_planes(np.asarray(Image.open(file)))
                             for file in files]))
    labelled_grid(rows).save(path)


def _planes(image: np.ndarray) -> Tensor:  # (H, W, 3) -> (3, H, W)
    return torch.tensor(image).permute(2, 0, 1)


def split_grid(picture: np.ndarray, width: int, height: int,
               padding: int = 2) -> list[np.ndarray]:
    """Cut a grid that ``make_grid`` made into its images, row by row."""
    tops = range(padding, picture.shape[0] - height + 1, height + padding)
    lefts = range(padding, picture.shape[1] - width + 1, width + padding)
    return [picture[y:y + height, x:x + width] for y in tops for x in lefts]


def plot_stages(root: Path, plan: Plan, path: Path) -> None:
    """Plot a logged value of every stage over its iterations."""
    panels = {**CURVES, **dict.fromkeys(plan.models, ('loss', 'loss'))}
    plot_curves([(root / stage, *panels[stage]) for stage in plan.trained
                 if stage in panels], path)
