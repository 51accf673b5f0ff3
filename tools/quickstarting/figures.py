"""Pictures of the quick start: samples and training curves."""
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from rcg.apis import labelled_grid

# Panels of the training curves: stage, logged value, label of the axis.
CURVES = (
    ('encoder', 'top1', 'right key first'),
    ('tokenizer', 'psnr', 'PSNR in dB'),
    ('rdm', 'representation/fd', 'representation FD'),
    ('mage_uncond', 'loss', 'loss'),
    ('mage', 'loss', 'loss'),
    ('mage_class_cond', 'loss', 'loss'),
)


def draw_samples(root: Path, models: list[tuple[str, Path]],
                 path: Path) -> None:
    """Real digits, their reconstructions, and samples of each model.

    Args:
        root: Work folder; its tokenizer drew reconstructions.
        models: Title and folder of PNG files of each row; rows without a
            folder are left out.
        path: Where to.
    """
    grid = newest(root / 'tokenizer' / 'samples', 'iter_*.png')
    rows = []
    if grid is not None:
        pairs = split_grid(np.asarray(Image.open(grid)), 16, 32)[:20]
        rows = [('held-out digits', [_planes(pair[:16]) for pair in pairs]),
                ('through the tokenizer',
                 [_planes(pair[16:]) for pair in pairs])]
    for title, folder in models:
        files = sorted(folder.glob('0*.png'))[:20]
        if files:
            rows.append((title, [_planes(np.asarray(Image.open(f)))
                                 for f in files]))
    labelled_grid(rows).save(path)


def _planes(image: np.ndarray) -> Tensor:  # (H, W, 3) -> (3, H, W)
    return torch.tensor(image).permute(2, 0, 1)


def split_grid(picture: np.ndarray, width: int, height: int,
               padding: int = 2) -> list[np.ndarray]:
    """Cut a picture of ``make_grid`` into its images, row by row."""
    tops = range(padding, picture.shape[0] - height + 1, height + padding)
    lefts = range(padding, picture.shape[1] - width + 1, width + padding)
    return [picture[y:y + height, x:x + width] for y in tops for x in lefts]


def newest(folder: Path, pattern: str) -> Path | None:
    """The file of a pattern that was written last."""
    files = sorted(folder.glob(pattern), key=lambda f: f.stat().st_mtime)
    return files[-1] if files else None


def read_log(stage: Path) -> list[dict]:
    """Logged values of a stage, from all its runs, in order."""
    records = []
    for file in sorted(stage.glob('*/vis_data/scalars.json')):
        records += [json.loads(line) for line in
                    file.read_text().splitlines()]
    return records


def draw_curves(root: Path, path: Path) -> None:
    """Training curves of every stage over iterations."""
    import matplotlib
    matplotlib.use('Agg')  # no display needed
    from matplotlib import pyplot
    panels = [panel for panel in CURVES if (root / panel[0]).is_dir()]
    figure, axes = pyplot.subplots(2, -(-len(panels) // 2), figsize=(10, 5),
                                   squeeze=False, layout='constrained')
    for axis, (stage, name, label) in zip(axes.flat, panels, strict=False):
        points = [(r.get('iter', r.get('step')), r[name])
                  for r in read_log(root / stage) if name in r]
        if points:
            axis.plot(*zip(*points, strict=True), marker='.')
        axis.set(title=stage, xlabel='iteration', ylabel=label)
        axis.grid(alpha=.3)
    figure.savefig(path, dpi=100)
