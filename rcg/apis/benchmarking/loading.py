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

    Plain are torchvision's transforms, which end in float32.

    Args:
        count: Number of files. They lie in a folder that goes away with the
            returned functions.
    """
    from torchvision import transforms  # takes a second
    folder = tempfile.TemporaryDirectory()
    rng = np.random.default_rng(0)
    for i in range(count):
        small = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
        Image.fromarray(small).resize(SIDES, Image.BICUBIC).save(
            Path(folder.name, f'{i}.jpg'), quality=90)
    decoding, quick, keeping = (ImageFolder(
        folder.name, max_memory=memory,
        pipeline=[dict(type='Resize', size=SIZE, **options),
                  dict(type='CenterCrop', size=SIZE)])
        for memory, options in ((0, {}), (0, dict(backend='torch')),
                                (2**30, {})))

    published = transforms.Compose([
        transforms.Resize(SIZE, transforms.InterpolationMode.BICUBIC),
        transforms.CenterCrop(SIZE), transforms.ToTensor()])

    def plain() -> None:
        for path in sorted(Path(folder.name).iterdir()):
            published(Image.open(path).convert('RGB'))

    def read(dataset: ImageFolder) -> None:
        for i in range(count):
            dataset[i]

    read(keeping)  # images are kept from the second visit on
    return [Variant('plain', plain, count),
            Variant('ours', partial(read, decoding), count),
            Variant('ours, resized by torch', partial(read, quick), count),
            Variant('ours, kept in memory', partial(read, keeping), count)]
