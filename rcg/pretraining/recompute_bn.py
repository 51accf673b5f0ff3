"""Recomputing batch-norm statistics at the end of training."""
import math
from collections.abc import Iterable, Iterator

import torch
from mmengine.hooks import Hook
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.data import DataLoader

from rcg.engine.data_loading import WatchedLoader
from rcg.engine.naming import stage_name
from rcg.engine.processes.stopping import get_on
from rcg.engine.timed_lines import TimedLines, show
from rcg.engine.unwrapping import bare_model
from rcg.models.encoders import Encoder
from rcg.registry import HOOKS
from rcg.spread import evenly_spread


@torch.no_grad()
def recompute_batch_norm(encoder: Encoder, batches: Iterable[Tensor]) -> None:
    """Replace running statistics by their mean over batches.

    Args:
        encoder: Its training mode is restored. Dropout is off meanwhile.
        batches: Images (N, 3, H, W) in [-1, 1]; all batches have the same
            weight.
    """
    modes = {module: module.training for module in encoder.modules()}
    norms = [m for m in encoder.modules() if isinstance(m, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    encoder.eval()
    for norm in norms:
        norm.train().reset_running_stats()
        norm.momentum = None  # the mean over all batches
    for images in batches:
        encoder.project(images)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    for module, mode in modes.items():
        module.training = mode


@HOOKS.register_module()
class RecomputeBatchNormHook(Hook):
    """Recomputes batch-norm statistics before the last checkpoint.

    The running statistics come from augmented views and earlier weights.
    After a short training they can be far from those of the clean images
    that the frozen encoder gets. All processes compute the same.

    Args:
        num_images: Number of training images to use, evenly spaced in the
            dataset.
        batch_size: Largest batch.

    Raises:
        ValueError: An argument is below 2.
    """

    priority = 'BELOW_NORMAL'  # after the step, before the checkpoint hook
    changes_training = True

    def __init__(self, num_images: int = 10240,
                 batch_size: int = 256) -> None:
        if num_images < 2 or batch_size < 2:
            raise ValueError('num_images and batch_size must be at least 2, '
                             f'got {num_images} and {batch_size}.')
        self.num_images, self.batch_size = num_images, batch_size

    def after_train_iter(self, runner, batch_idx: int, data_batch=None,
                         outputs=None) -> None:
        if self.is_last_train_iter(runner):
            recompute_batch_norm(bare_model(runner).encoder,
                                 self._batches(runner))

    def _batches(self, runner) -> Iterator[Tensor]:
        """Images (N, 3, H, W); tells how far the pass has come."""
        loader = self.loader(runner.train_dataloader)
        preprocess = bare_model(runner).data_preprocessor
        lines, done, total = TimedLines(), 0, len(loader.sampler)
        for batch in loader:
            yield preprocess(batch)['images']
            done += len(batch['images'])
            get_on(f'computing batch-norm statistics, {done} of {total}')
            if done < total:
                show(runner, lines, f'{stage_name(runner)}  batch-norm '
                     f'statistics {done}/{total} images', done, total)

    def loader(self, train: DataLoader) -> DataLoader:
        """Clean images in a fixed order, in batches of nearly equal size."""
        indices = evenly_spread(len(train.dataset), self.num_images)
        num_batches = math.ceil(len(indices) / self.batch_size)
        return WatchedLoader(
            train.dataset, math.ceil(len(indices) / num_batches),
            sampler=indices,
            num_workers=train.num_workers, collate_fn=train.collate_fn)
