"""A picture of what the model makes, every now and then."""
import contextlib
import math
import os

import torch
from mmengine.dist import master_only
from mmengine.hooks import Hook
from PIL import Image
from torch import Tensor
from torch.utils.data import default_collate

from rcg.checkpoint import open_atomically
from rcg.registry import DATASETS, HOOKS


@HOOKS.register_module()
class SampleGridHook(Hook):
    """Writes ``samples/iter_N.png`` in the work folder, and to TensorBoard.

    The images come from ``model.test_step``, with averaged weights if the
    run has them, from the same random streams each time. Predictions that
    carry ``originals`` (reconstructions) are shown under them. After an
    evaluation, what a metric holds as ``picture`` goes to a folder with the
    metric's name (:class:`rcg.evaluation.NearestTrain`).

    Args:
        interval: Iterations between pictures; one after the last iteration.
        num_images: Images in a picture.
        seed: Of the random streams (seed, 0), (seed, 1), ...
        num_classes: Give labels 0, 1, ..., num_classes - 1, 0, ...
        dataset: Config of a dataset whose first items are the input; by
            default there is no input besides the random streams and labels.

    Raises:
        ValueError: The model's predictions hold no images.
    """

    priority = 'LOW'

    def __init__(self, interval: int, num_images: int = 64, seed: int = 0,
                 num_classes: int | None = None,
                 dataset: dict | None = None) -> None:
        self.interval, self.num_images, self.seed = interval, num_images, seed
        self.num_classes, self.dataset = num_classes, dataset
        self._batch = None

    def after_train_iter(self, runner, batch_idx: int, data_batch=None,
                         outputs=None) -> None:
        if (self.every_n_train_iters(runner, self.interval)
                or self.is_last_train_iter(runner)):
            self.draw(runner, runner.iter + 1)

    @master_only
    def draw(self, runner, step: int) -> None:
        """Sample and write one picture."""
        if self._batch is None:
            self._batch = self._make_batch()
        model = runner.bare_model
        with contextlib.ExitStack() as stack:
            for hook in runner.hooks:
                if hasattr(hook, 'averaged_weights'):
                    stack.enter_context(hook.averaged_weights())
            stack.enter_context(torch.random.fork_rng(devices=[]))
            stack.enter_context(torch.no_grad())
            model.eval()
            predictions = model.test_step(dict(self._batch))
            model.train()
        self._write(runner, 'samples', make_grid(
            _images(predictions, type(model).__name__)), step)

    def after_val_epoch(self, runner, metrics=None) -> None:
        self._show(runner, runner.val_loop)

    def after_test_epoch(self, runner, metrics=None) -> None:
        self._show(runner, runner.test_loop)

    def _show(self, runner, loop) -> None:
        for metric in loop.evaluator.metrics:
            if getattr(metric, 'picture', None) is not None:
                self._write(runner, type(metric).__name__, metric.picture,
                            runner.iter)

    @master_only
    def _write(self, runner, name: str, picture: Tensor, step: int) -> None:
        picture = picture.permute(1, 2, 0).numpy()
        folder = os.path.join(runner.work_dir, name)
        os.makedirs(folder, exist_ok=True)
        with open_atomically(os.path.join(folder, f'iter_{step}.png')) as file:
            Image.fromarray(picture).save(file, 'png')
        board = runner.visualizer._vis_backends.get('TensorboardVisBackend')
        if board is not None:
            board.add_image(name, picture, step)

    def _make_batch(self) -> dict[str, Tensor]:
        indices = torch.arange(self.num_images)
        if self.dataset is not None:
            dataset = DATASETS.build(self.dataset)
            chosen = indices[:len(dataset)].tolist()
            return default_collate([dataset[i] for i in chosen])
        keys = torch.stack([torch.full_like(indices, self.seed), indices], 1)
        batch = {'keys': keys, 'indices': indices}
        if self.num_classes is not None:
            batch['labels'] = indices % self.num_classes
        return batch


def _images(predictions: list[dict], name: str) -> Tensor:
    if not predictions or 'images' not in predictions[0]:
        raise ValueError(f'SampleGridHook needs a model that predicts images; '
                         f'{name} does not. Remove it from custom_hooks.')
    images = torch.stack([p['images'] for p in predictions]).cpu()
    if 'originals' in predictions[0]:
        originals = torch.stack([p['originals'] for p in predictions]).cpu()
        images = torch.cat([originals, images], 2)  # one above the other
    return images


def make_grid(images: Tensor, padding: int = 2) -> Tensor:
    """Arrange images in rows, about as many rows as columns.

    Args:
        images (N, 3, H, W): uint8.
        padding: White pixels between and around images.

    Returns:
        (3, H', W'): uint8.
    """
    count, _, height, width = images.shape
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    height, width = height + padding, width + padding
    grid = images.new_full(
        (3, rows * height + padding, columns * width + padding), 255)
    for i, image in enumerate(images):
        top = i // columns * height + padding
        left = i % columns * width + padding
        grid[:, top:top + image.shape[1], left:left + image.shape[2]] = image
    return grid
