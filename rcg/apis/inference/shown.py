"""Images as callers want them: for Pillow, NumPy or PyTorch."""
from collections.abc import Sequence

import numpy as np
from PIL import Image
from torch import Tensor

OUTPUTS = 'pil', 'tensor', 'numpy'


def check_output(output: str) -> None:
    """Check it before anything is drawn.

    Raises:
        ValueError: There is no such output.
    """
    if output not in OUTPUTS:
        raise ValueError(f'output must be one of {", ".join(OUTPUTS)}, got '
                         f'{output!r}.')


def shown(images: Tensor, output: str) -> Sequence | np.ndarray | Tensor:
    """Images (..., 3, H, W) uint8 in another form.

    Returns:
        'tensor': as they are. 'numpy': (..., H, W, 3). 'pil': lists of
        Pillow's images, nested if there is more than one axis before them.
    """
    check_output(output)
    if output == 'tensor':
        return images
    if output == 'numpy':
        return np.ascontiguousarray(images.movedim(-3, -1).numpy())
    if images.ndim > 3:
        return [shown(image, output) for image in images]
    return Image.fromarray(images.permute(1, 2, 0).numpy())
