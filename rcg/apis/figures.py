"""Pictures: labelled grids, and those of the quick start."""
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

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


def labelled_grid(rows: Sequence[tuple[str, Sequence[Tensor]]],
                  header: Sequence[str] = (), smallest: int = 64,
                  gap: int = 4) -> Image.Image:
    """Rows of images, each under its title.

    Args:
        rows: Title and images (3, H, W) uint8 of every row. Small images
            are enlarged by a whole number; all take the size of the first.
        header: Titles of the columns.
        smallest: Least side of an image in the picture, in pixels.
        gap: White pixels around images.
    """
    height, width = rows[0][1][0].shape[1:]
    scale = -(-smallest // min(height, width))
    height, width = height * scale, width * scale
    font = ImageFont.load_default(12)
    line = 18  # pixels of a line of text
    step_x, step_y = width + gap, height + gap + line
    texts = [*((title, 0) for title, _ in rows),
             *((title, i * step_x) for i, title in enumerate(header))]
    columns = max(len(images) for _, images in rows)
    size = max([columns * step_x, *(
        x + int(font.getlength(text)) for text, x in texts)]) + 2 * gap
    top = gap + (line if header else 0)
    picture = Image.new('RGB', (size, top + len(rows) * step_y), 'white')
    draw = ImageDraw.Draw(picture)
    for i, title in enumerate(header):
        draw.text((gap + i * step_x, gap), title, 'black', font)
    for j, (title, images) in enumerate(rows):
        y = top + j * step_y
        draw.text((gap, y), title, 'black', font)
        for i, image in enumerate(images):
            pixels = Image.fromarray(image.permute(1, 2, 0).numpy())
            picture.paste(pixels.resize((width, height), Image.NEAREST),
                          (gap + i * step_x, y + line))
    return picture


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
