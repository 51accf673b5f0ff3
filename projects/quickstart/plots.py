"""Pictures of the quick start: samples and training curves."""
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from rcg.apis import labelled_grid
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


def plot_samples(root: Path, plan: Plan, path: Path) -> None:
    """Plot held-out digits, reconstructions of them, samples of each model.

    Args:
        root: Work folder with the reconstructions and samples.
        plan: It lists the tokenizers and models.
        path: PNG file to write.
    """
    digits = Digits('test')
    rows = [('held-out digits', [digits[i]['images'] for i in range(20)])]
    for stage, title in plan.tokenizers.items():
        grid = max((root / stage / 'samples').glob('iter_*.png'),
                   key=lambda file: file.stat().st_mtime)
        pairs = split_grid(np.asarray(Image.open(grid)), 16, 32)[:20]
        rows.append((f'through the {title}',
                     [_planes(pair[16:]) for pair in pairs]))
    for stage, title in plan.models.items():
        files = sorted((root / stage / 'images').glob('0*.png'))[:20]
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


def read_log(stage: Path) -> list[dict]:
    """Logged values of a stage, from all its runs, in order."""
    records = []
    for file in sorted(stage.glob('*/vis_data/scalars.json')):
        records += [json.loads(line) for line in
                    file.read_text('utf-8').splitlines()]
    return records


def plot_curves(root: Path, plan: Plan, path: Path) -> None:
    """Plot a logged value of every stage over its iterations."""
    import matplotlib
    matplotlib.use('Agg')  # no display needed
    from matplotlib import pyplot
    panels = {**CURVES, **dict.fromkeys(plan.models, ('loss', 'loss'))}
    panels = {stage: panels[stage] for stage in plan.trained
              if stage in panels}
    rows = -(-len(panels) // 3)
    figure, axes = pyplot.subplots(rows, 3, figsize=(10, 2.5 * rows),
                                   squeeze=False, layout='constrained')
    for axis in axes.flat[len(panels):]:
        axis.set_axis_off()
    for axis, (stage, (name, label)) in zip(axes.flat, panels.items(),
                                            strict=False):
        points = [(r.get('iter', r.get('step')), r[name])
                  for r in read_log(root / stage) if name in r]
        if points:
            axis.plot(*zip(*points, strict=True), marker='.')
        axis.set(title=stage, xlabel='iteration', ylabel=label)
        axis.grid(alpha=.3)
    figure.savefig(path, dpi=100)
