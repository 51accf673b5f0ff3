"""Pictures of generated images during training."""
import contextlib
import math
import os

import torch
from mmengine.dist import is_main_process, master_only
from mmengine.hooks import Hook
from PIL import Image
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import default_collate

from rcg.checkpoint import open_atomically
from rcg.engine.halving import Halving
from rcg.engine.unwrapping import bare_model, refuse_shards
from rcg.registry import DATASETS, HOOKS
from rcg.spread import evenly_spread

SMALLEST = 64  # pixels of the shorter side of an image in a picture


@HOOKS.register_module()
class SampleGridHook(Hook):
    """Writes ``samples/iter_N.png`` to the work folder.

    Each picture also goes to all backends of the visualizer.

    ``model.test_step`` makes the images, with the averaged weights if there
    are any, and from the same random numbers each time. If predictions have
    ``originals``, these are shown above the images.

    After an evaluation the ``picture`` of a metric, if it has one, goes to a
    folder of the metric's name; see :class:`rcg.evaluation.NearestTrain`.

    Args:
        interval: Iterations between pictures. The last iteration is always
            followed by one.
        num_images: Images in a picture.
        seed: Image i draws its random numbers from (seed, i).
        num_classes: Image i has the label ``i % num_classes``. None: no
            labels.
        dataset: Config of a dataset whose items, spread evenly over it, are
            the model's input. None: the input is random numbers and labels.

    Raises:
        ValueError: The model's predictions hold no images.
    """

    priority = 'LOW'

    def __init__(self, interval: int, num_images: int = 64, seed: int = 0,
                 num_classes: int | None = None,
                 dataset: dict | None = None) -> None:
        self.interval, self.num_images, self.seed = interval, num_images, seed
        self.num_classes, self.dataset = num_classes, dataset
        self._batch, self._halving = None, Halving('sampling a grid')

    def before_train(self, runner) -> None:
        refuse_shards(runner, 'SampleGridHook')
        # On all processes: building a dataset may make them wait for each
        # other.
        self._batch = self._make_batch()

    def after_train_iter(self, runner, **kwargs) -> None:
        if (self.every_n_train_iters(runner, self.interval)
                or self.is_last_train_iter(runner)):
            self.write_grid(runner, runner.iter + 1)

    @master_only
    @torch.no_grad()
    def write_grid(self, runner, step: int) -> None:
        """Sample and write one picture."""
        if self._batch is None:
            self._batch = self._make_batch()
        model = bare_model(runner)
        with contextlib.ExitStack() as stack:
            for hook in runner.hooks:
                if hasattr(hook, 'averaged_weights'):
                    stack.enter_context(hook.averaged_weights())
            stack.enter_context(torch.random.fork_rng(devices=[]))
            model.eval()
            predictions = self._halving(model.test_step, self._batch)
            model.train()
        if not predictions or 'images' not in predictions[0]:
            raise ValueError('SampleGridHook needs a model that predicts '
                             f'images; {type(model).__name__} does not. '
                             'Remove it from custom_hooks.')
        rows = [torch.stack([p[name] for p in predictions]).cpu()
                for name in ('originals', 'images') if name in predictions[0]]
        self._write(runner, 'samples', make_grid(torch.cat(rows, 2), SMALLEST),
                    step)

    def after_val_epoch(self, runner, metrics=None, loop=None) -> None:
        for metric in (loop or runner.val_loop).evaluator.metrics:
            if getattr(metric, 'picture', None) is not None:
                self._write(runner, type(metric).__name__, metric.picture,
                            runner.iter)

    def after_test_epoch(self, runner, metrics=None) -> None:
        self.after_val_epoch(runner, loop=runner.test_loop)

    @master_only
    def _write(self, runner, name: str, picture: Tensor, step: int) -> None:
        picture = picture.permute(1, 2, 0).numpy()
        path = os.path.join(runner.work_dir, name, f'iter_{step}.png')
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open_atomically(path) as file:
            Image.fromarray(picture).save(file, 'png')
        runner.visualizer.add_image(name, picture, step)

    def _make_batch(self) -> dict[str, Tensor] | None:
        """The model's input; only the first process reads a dataset."""
        indices = torch.arange(self.num_images)
        if self.dataset is not None:
            dataset = DATASETS.build(self.dataset)
            if not is_main_process():
                return None
            return default_collate([dataset[i] for i in evenly_spread(
                len(dataset), self.num_images)])
        keys = torch.stack([torch.full_like(indices, self.seed), indices], 1)
        labels = ({} if self.num_classes is None else
                  {'labels': indices % self.num_classes})
        return {'keys': keys, 'indices': indices, **labels}


def make_grid(images: Tensor, smallest: int = 1, padding: int = 2) -> Tensor:
    """Arrange images in a grid of about as many rows as columns.

    Args:
        images (N, 3, H, W): uint8.
        smallest: Images whose shorter side has fewer pixels are enlarged, by
            a whole number.
        padding: White pixels between and around images.

    Returns:
        (3, H', W'): uint8. Missing images of the last row are white.
    """
    scale = -(-smallest // min(images.shape[2:]))
    images = images.repeat_interleave(scale, 2).repeat_interleave(scale, 3)
    columns = math.ceil(math.sqrt(len(images)))
    absent = -len(images) % columns
    cells = F.pad(images, (0, padding, 0, padding, 0, 0, 0, absent), value=255)
    rows = [torch.cat(row.unbind(), 2) for row in cells.split(columns)]
    grid = torch.cat(rows, 1)
    return F.pad(grid, (padding, 0, padding, 0), value=255)
