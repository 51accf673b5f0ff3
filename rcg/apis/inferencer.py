"""A trained model in a few lines of Python."""
from collections.abc import Iterator, Sequence

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import Tensor

from rcg.checkpoint import find_checkpoint, load_weights
from rcg.engine import load_config
from rcg.models.data_preprocessor import to_uint8
from rcg.registry import MODELS
from rcg.rng import SampleRng


class RCGInferencer:
    """Images from a config and a checkpoint.

    Example:
        >>> rcg = RCGInferencer('configs/digits/mage.py',
        ...                     'work_dirs/quickstart/mage')
        >>> images = rcg.sample(16, seed=0)  # (16, 3, 16, 16) uint8

    Args:
        config: A config, or the path of one.
        checkpoint: File or work folder.
        device: Where to run; a GPU if there is one.

    Raises:
        FileNotFoundError: There is no such config or checkpoint.
        CheckpointError: The checkpoint is not of this config's model.
    """

    def __init__(self, config: Config | str, checkpoint: str,
                 device: str | torch.device | None = None) -> None:
        cfg = load_config(config) if isinstance(config, str) else config
        init_default_scope(cfg.get('default_scope', 'rcg'))
        self.device = torch.device(
            device or ('cuda' if torch.cuda.is_available() else 'cpu'))
        self.model = MODELS.build(cfg.model)
        self.checkpoint = find_checkpoint(checkpoint)
        load_weights(self.model, self.checkpoint)
        self.model.to(self.device).eval()

    def sample(self, num_images: int, seed: int = 0,
               labels: Sequence[int] | None = None,
               batch_size: int = 64) -> Tensor:
        """Draw images; number i depends on ``seed`` and i alone.

        Args:
            num_images: How many.
            seed: Of the whole set.
            labels: One label an image, for a class-conditional model.
            batch_size: Images at a time. Every batch has this shape.

        Returns:
            (num_images, 3, H, W): uint8, on the CPU.
        """
        return torch.cat(list(self.batches(num_images, seed, labels,
                                           batch_size)))

    def batches(self, num_images: int, seed: int = 0,
                labels: Sequence[int] | None = None,
                batch_size: int = 64) -> Iterator[Tensor]:
        """Like :meth:`sample`, one batch at a time."""
        if num_images < 1 or batch_size < 1:
            raise ValueError('num_images and batch_size must be at least 1, '
                             f'got {num_images} and {batch_size}.')
        if labels is not None and len(labels) != num_images:
            raise ValueError(f'labels must be one an image, got {len(labels)}'
                             f' for {num_images} images.')
        for first in range(0, num_images, batch_size):
            indices = range(first, first + batch_size)
            rng = SampleRng.from_seed(seed, indices, self.device)
            chosen = None
            if labels is not None:  # the surplus repeats the last label
                chosen = torch.tensor(
                    [labels[min(i, num_images - 1)] for i in indices],
                    device=self.device)
            images = to_uint8(self.model.sample(rng, chosen)).cpu()
            yield images[:num_images - first]
