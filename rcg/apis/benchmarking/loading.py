"""Reading JPEG files into images of a model's size."""
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from rcg.apis.benchmarking.measuring import Variant
from rcg.datasets.folders import ImageFolder

SIDES = 500, 375  # the most frequent size of ImageNet
SIZE = 256


def loading(count: int) -> list[Variant]:
    """Decode, resize and crop, in one process, the plain way and ours.

    Args:
        count: Number of files. They lie in a folder that goes away with the
            returned functions.
    """
    folder = tempfile.TemporaryDirectory()
    rng = np.random.default_rng(0)
    for i in range(count):
        small = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
        Image.fromarray(small).resize(SIDES, Image.BICUBIC).save(
            Path(folder.name, f'{i}.jpg'), quality=90)
    pipeline = [dict(type='Resize', size=SIZE),
                dict(type='CenterCrop', size=SIZE)]
    decoding, keeping = (ImageFolder(
        folder.name, pipeline=pipeline, max_memory=memory)
        for memory in (0, 2**30))

    def plain() -> None:
        for path in sorted(Path(folder.name).iterdir()):
            image = Image.open(path).convert('RGB')
            scale = SIZE / min(image.size)
            image = image.resize([round(side * scale) for side in image.size],
                                 Image.BICUBIC)
            left, top = ((side - SIZE) // 2 for side in image.size)
            np.array(image.crop((left, top, left + SIZE, top + SIZE)))

    def read(dataset: ImageFolder) -> None:
        for i in range(count):
            dataset[i]

    read(keeping)  # images are kept from the second visit on
    return [Variant('plain', plain, count),
            Variant('ours', partial(read, decoding), count),
            Variant('ours, kept in memory', partial(read, keeping), count)]
