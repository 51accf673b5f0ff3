"""Images in a grid with titles."""
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from rcg.engine.hooks.sample_grid import SMALLEST

GAP, LINE = 4, 18  # pixels between images, and of a line of text


def labelled_grid(rows: Sequence[tuple[str, Sequence[Tensor | Image.Image]]],
                  header: Sequence[str] = ()) -> Image.Image:
    """A picture of rows of images, each under its title.

    Args:
        rows: Title of every row, and its images: Pillow's, or (3, H, W)
            uint8. Small images are enlarged by a whole number. All get the
            size of the first.
        header: Titles of the columns.
    """
    rows = [(title, [_picture(image) for image in images])
            for title, images in rows]
    width, height = rows[0][1][0].size
    scale = -(-SMALLEST // min(height, width))
    size = width * scale, height * scale
    step_x, step_y = size[0] + GAP, size[1] + GAP + LINE
    top = GAP + (LINE if header else 0)
    texts = [*((0, top + i * step_y, title) for i, (title, _) in
               enumerate(rows)),
             *((i * step_x, GAP, title) for i, title in enumerate(header))]
    font = ImageFont.load_default(12)
    right = max([max(len(images) for _, images in rows) * step_x, *(
        x + int(font.getlength(title)) for x, _, title in texts)])
    picture = Image.new('RGB', (right + 2 * GAP, top + len(rows) * step_y),
                        'white')
    draw = ImageDraw.Draw(picture)
    for x, y, title in texts:
        draw.text((GAP + x, y), title, 'black', font)
    for j, (_, images) in enumerate(rows):
        for i, image in enumerate(images):
            picture.paste(image.resize(size, Image.NEAREST),
                          (GAP + i * step_x, top + j * step_y + LINE))
    return picture


def _picture(image: Tensor | Image.Image) -> Image.Image:
    if isinstance(image, Image.Image):
        return image.convert('RGB')
    return Image.fromarray(image.permute(1, 2, 0).numpy())
