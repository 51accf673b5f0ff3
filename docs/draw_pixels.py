"""Draw docs/pixels_mage.png from two folders of samples, side by side.

    python docs/draw_pixels.py MAGE_SAMPLES PIXEL_SAMPLES

The first 32 of each, as tools/sample.py draws them, not chosen.
"""
import sys
from pathlib import Path

from PIL import Image, ImageDraw

COLUMNS, ROWS, SCALE, GAP, TITLE = 8, 4, 2, 2, 18


def main() -> None:
    names = 'MAGE, with its tokenizer', 'pixel DiT'
    grids = [grid(Path(folder)) for folder in sys.argv[1:3]]
    width, height = grids[0].size
    page = Image.new('RGB', (2 * width + 20, height + TITLE), 'white')
    for i, (name, picture) in enumerate(zip(names, grids, strict=True)):
        left = i * (width + 20)
        ImageDraw.Draw(page).text((left, 2), name, fill='black')
        page.paste(picture, (left, TITLE))
    page.save(Path(__file__).with_name('pixels_mage.png'), optimize=True)


def grid(folder: Path) -> Image.Image:
    images = [Image.open(folder / f'{i:06d}.png').convert('RGB')
              for i in range(COLUMNS * ROWS)]
    side = images[0].width * SCALE
    page = Image.new('RGB', (COLUMNS * (side + GAP), ROWS * (side + GAP)),
                     'white')
    for i, image in enumerate(images):
        page.paste(image.resize((side, side), Image.Resampling.NEAREST),
                   (i % COLUMNS * (side + GAP), i // COLUMNS * (side + GAP)))
    return page


if __name__ == '__main__':
    main()
