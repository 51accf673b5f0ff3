"""Writes generated images to files as they come."""
import os

from mmengine.hooks import Hook
from PIL import Image


class SaveImagesHook(Hook):
    """Writes the images of a test run as PNG files, 1,000 to a folder.

    Image i becomes ``<folder>/<i // 1000>/<i>.png``, with five and eight
    digits. Every process writes its own. A file is complete or absent.

    Args:
        folder: Where to write them.

    Raises:
        ValueError: The model's predictions hold no images, or the folder
            holds those of another run.
    """

    def __init__(self, folder: str) -> None:
        self.folder = os.path.abspath(os.path.expanduser(folder))

    def claim(self, run: str) -> None:
        """Mark the folder as that of one run.

        Args:
            run: Tells the run from others; one that goes on has the same.

        Raises:
            ValueError: The folder already holds files of another run.
        """
        os.makedirs(self.folder, exist_ok=True)
        mark = os.path.join(self.folder, f'.{run}')
        if not os.path.exists(mark) and os.listdir(self.folder):
            raise ValueError(f"'{self.folder}' holds files of another run: "
                             'name a new folder, or empty this one.')
        with open(mark, 'wb'):
            pass

    def after_test_iter(self, runner, batch_idx: int, data_batch=None,
                        outputs=None) -> None:
        size = len(runner.test_dataloader.dataset)
        for sample in outputs:
            if 'images' not in sample:
                raise ValueError('there are no images to save: '
                                 f'{runner.model_name} predicts '
                                 f'{", ".join(sorted(sample))}.')
            index = int(sample['index'])
            if index < size:  # others fill up the last batch
                self._write(index, sample['images'])

    def path(self, index: int) -> str:
        """File of an image."""
        return os.path.join(self.folder, f'{index // 1000:05}',
                            f'{index:08}.png')

    def has(self, index: int) -> bool:
        """Whether an image was written and its checksums are right."""
        try:
            with Image.open(self.path(index), formats=['PNG']) as image:
                image.verify()
        except (OSError, SyntaxError, ValueError):  # Pillow's for bad files
            return False
        return True

    def _write(self, index: int, image) -> None:
        path = self.path(index)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Image.fromarray(image.permute(1, 2, 0).cpu().numpy()).save(
            path + '.part', 'png', compress_level=1)
        os.replace(path + '.part', path)
