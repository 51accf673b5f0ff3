"""Images of any kind as a model takes them."""
import os
from collections.abc import Callable, Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from rcg.datasets.reading import (
    MAX_PIXELS,
    UNREADABLE,
    read_image,
    to_rgb,
    why_unreadable,
)
from rcg.registry import TRANSFORMS

WANTED = ('images must be Pillow images, paths, arrays (H, W, 3) uint8, '
          'tensors (3, H, W) uint8, or several of them')


class ImageReader:
    """Turns given images into (N, 3, H, W) uint8 of a model's size.

    Those that have another size are resized as the model's own images were,
    without randomness: by its pipeline, or if there is none the shorter side
    is resized and the center cut out.

    Args:
        pipeline: Configs of transforms, see :class:`~rcg.datasets.Resize`.
        bits: Of files of 16 bits; see :func:`~rcg.datasets.read_image`.
        size: Returns the side of the model's images in pixels.
    """

    def __init__(self, pipeline: Sequence[dict], bits: int,
                 size: Callable[[], int]) -> None:
        self.pipeline, self.bits, self.size = list(pipeline), bits, size

    def __call__(self, images) -> Tensor:
        """Images (N, 3, H, W) uint8, also of a single one.

        Args:
            images: A Pillow image, a path, an array (H, W, 3) or (N, H, W,
                3) or a tensor (3, H, W) or (N, 3, H, W) of bytes; or a
                sequence of these.

        Raises:
            FileNotFoundError: There is no such file.
            ValueError: It is no image, too large, or cannot be read.
        """
        if isinstance(images, (list, tuple)):
            if not images:
                raise ValueError(f'{WANTED}; got none.')
            return torch.cat([self(image) for image in images])
        if isinstance(images, (str, os.PathLike)):
            return self._sized(self._read(os.fspath(images)))
        if isinstance(images, Image.Image):
            return self._sized(self._pixels(images))
        if isinstance(images, np.ndarray):
            return self._of_array(images)
        if isinstance(images, Tensor):
            return self._of_tensor(images)
        raise ValueError(f'{WANTED}; got {type(images).__name__}.')

    def one(self, image) -> Tensor:
        """A single image (3, H, W).

        Raises:
            ValueError: There are several; and see :meth:`__call__`.
        """
        found = self(image)
        if len(found) != 1:
            raise ValueError(f'this takes a single image, got {len(found)}.')
        return found[0]

    def _read(self, path: str) -> np.ndarray:
        try:
            return read_image(path, bits=self.bits)
        except FileNotFoundError:
            raise FileNotFoundError(
                f"There is no image '{path}' (from {os.getcwd()}).") from None
        except UNREADABLE as error:
            raise ValueError(f"'{path}' cannot be read as an image: "
                             f'{why_unreadable(error)}.') from error

    def _pixels(self, image: Image.Image) -> np.ndarray:
        _check_size(image.width, image.height)
        try:
            return to_rgb(image, bits=self.bits)
        except UNREADABLE as error:
            raise ValueError('the image cannot be read: '
                             f'{why_unreadable(error)}.') from error

    def _of_array(self, images: np.ndarray) -> Tensor:
        if (images.dtype != np.uint8 or images.ndim not in (3, 4)
                or images.shape[-1] != 3 or not images.size):
            raise ValueError(f'{WANTED}; got an array {images.shape} '
                             f'{images.dtype}.')
        if images.ndim == 4:
            return torch.cat([self._sized(image) for image in images])
        return self._sized(images)

    def _of_tensor(self, images: Tensor) -> Tensor:
        if (images.dtype != torch.uint8 or images.ndim not in (3, 4)
                or images.shape[-3] != 3 or not images.numel()):
            raise ValueError(f'{WANTED}; got a tensor {tuple(images.shape)} '
                             f'{images.dtype}.')
        images = images.cpu().contiguous()
        if images.ndim == 3:
            images = images[None]
        if images.shape[2:] == (self.size(), ) * 2:
            return images
        return torch.cat([self._sized(image.permute(1, 2, 0).numpy())
                          for image in images])

    def _sized(self, image: np.ndarray) -> Tensor:
        """(H, W, 3) -> (1, 3, size, size)."""
        _check_size(*image.shape[1::-1])
        size = self.size()
        if image.shape[:2] != (size, size):
            results = dict(img=image, rng=None)
            for step in self.pipeline or (
                    dict(type='Resize', size=size),
                    dict(type='CenterCrop', size=size)):
                results = TRANSFORMS.build(step)(results)
            image = results['img']
        if image.shape[:2] != (size, size):
            raise ValueError(
                f'the pipeline of the config gives {image.shape[1]} x '
                f'{image.shape[0]} pixels, the model takes {size} x {size}.')
        # In the memory format of tensors: convolutions round by it.
        return torch.from_numpy(image.transpose(2, 0, 1).copy())[None]


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise ValueError(f'the image has {width} x {height} pixels; at most '
                         f'{MAX_PIXELS:,} are taken: make it smaller.')


def image_size(model) -> int:
    """Side in pixels of the images that an RCG draws: one is decoded.

    Raises:
        ValueError: The codes of its generator are of an unknown shape.
    """
    network = model.generator.network
    device = next(network.parameters()).device
    if hasattr(network, 'num_tokens'):
        codes = torch.zeros(1, network.num_tokens, dtype=torch.long,
                            device=device)
    elif hasattr(network, 'in_channels') and hasattr(network, 'input_size'):
        codes = torch.zeros(1, network.in_channels, network.input_size,
                            network.input_size, device=device)
    else:
        raise ValueError(
            f'{type(network).__name__} does not say how many codes an image '
            'has: it needs num_tokens, or in_channels and input_size.')
    return model.decode(codes).shape[-1]
