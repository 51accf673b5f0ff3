"""A loss that is tried before long work, and that leaves no traces."""
import contextlib
from collections.abc import Iterator, Sequence

import torch
from mmengine.optim import OptimWrapper
from torch import nn

from rcg.engine.unwrapping import bare_model, is_sharded

IMAGES = 2


@torch.no_grad()
def try_loss(runner, names: Sequence[str],
             items: Sequence[dict] | None = None) -> None:
    """Compute a training loss of two images, from their features.

    What does not fit, such as the number of tokens, thus shows before the
    features of all images are computed. All processes call this, since a loss
    may make them wait for each other. Weights, buffers, the optimizer and
    global random generators stay as they are. With FSDP nothing is tried.

    Args:
        runner: Its training data give images.
        names: Features that replace the images, as ``model.encode`` calls
            them.
        items: Of the training data; by default the first ones are read.

    Raises:
        ValueError: ``encode`` does not return the features.
    """
    if is_sharded(runner.model):
        return
    model, loader = bare_model(runner), runner.train_dataloader
    with _unchanged(model), _precision(runner, model):
        if items is None:
            items = first_items(loader.dataset)
        batch = loader.collate_fn(items)
        batch = model.data_preprocessor(batch, True)
        features = model.encode(batch.pop('images'))
        check_names(model, features, names)
        model(**batch, **{name: features[name] for name in names},
              mode='loss')


@torch.no_grad()
def feature_names(runner) -> list[str]:
    """What ``model.encode`` returns, sorted; for the first images."""
    model, loader = bare_model(runner), runner.train_dataloader
    with _unchanged(model):
        batch = loader.collate_fn(first_items(loader.dataset))
        images = model.data_preprocessor(batch, True)['images']
        return sorted(model.encode(images))


def check_names(model: nn.Module, features: dict,
                names: Sequence[str]) -> None:
    """Check that ``encode`` of a model returned all that is wanted.

    Raises:
        ValueError: A feature is missing.
    """
    for name in names:
        if name not in features:
            raise ValueError(
                f"{type(model).__name__}.encode() gives no '{name}' "
                f'but {", ".join(features)}; correct names of '
                'CacheFeaturesHook.')


def first_items(rows: Sequence) -> list[dict]:
    """The first items of a dataset or of a batch."""
    return [rows[i] for i in range(min(IMAGES, len(rows)))]


@contextlib.contextmanager
def _unchanged(model: nn.Module) -> Iterator[None]:
    """In evaluation mode, uncompiled; buffers and random numbers restored."""
    modes = {module: module.training for module in model.modules()}
    buffers = {buffer: buffer.clone() for buffer in model.buffers()}
    devices = ([torch.cuda.current_device()] if torch.cuda.is_available()
               else [])
    eager = getattr(torch.compiler, 'set_stance', None)  # of torch 2.6
    model.eval()
    try:
        with torch.random.fork_rng(devices), (
                contextlib.nullcontext() if eager is None
                else eager('force_eager')):
            yield
    finally:
        for buffer, kept in buffers.items():
            buffer.copy_(kept)
        for module, mode in modes.items():
            module.training = mode


def _precision(runner, model: nn.Module):
    """The autocast of a training step, if the optimizer has been built."""
    wrapper = getattr(runner, 'optim_wrapper', None)
    if isinstance(wrapper, OptimWrapper):
        return wrapper.optim_context(model)
    return contextlib.nullcontext()
