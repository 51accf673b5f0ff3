"""A few steps of a training on this device: what they cost."""
import contextlib
import dataclasses
from collections.abc import Callable

import torch
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

from rcg.apis.few_steps import mean_and_least, with_features
from rcg.apis.full_size import noise_batch
from rcg.apis.timing import Timing
from rcg.engine import RcgRunner
from rcg.engine.configs.loading import without_weights
from rcg.engine.devices import compute_as_a_run
from rcg.engine.disk_space import num_bytes, optimizer_bytes
from rcg.engine.optim import single_wrappers
from rcg.engine.parameters import trained_and_frozen
from rcg.engine.schedule import resolve_lr
from rcg.registry import DATASETS, MODELS, type_name

# On a CPU a step that would take longer is measured with fewer images.
LONGEST = 10.  # seconds
FEW = 2  # images


@dataclasses.dataclass
class Measured:
    """What a few steps showed.

    Attributes:
        trained, frozen: Parameters by part.
        weights: Bytes of a checkpoint without the optimizer's state.
        state: Bytes of the optimizer's state.
        features: Bytes of the stored features of one image; 0 if the run
            stores none.
        images: Of the step that was measured.
        seconds: Of a step with the whole batch, by proportion if it was
            measured with fewer images.
        gigabytes: Peak memory, of the GPU or of the process.
        rates: Learning rates, of each optimizer.
        noise: Whether the images were noise, for want of the data.
    """
    trained: dict[str, int]
    frozen: dict[str, int]
    weights: int
    state: int
    features: int
    images: int
    seconds: float
    gigabytes: float
    rates: list[float]
    noise: bool


def measure_steps(cfg: Config, device: str, processes: int,
                  has_data: bool) -> Measured:
    """Take some steps with random weights; nothing is written.

    Args:
        cfg: Config of a training.
        device: cpu, cuda, ...
        processes: Of the run, which the learning rate may depend on.
        has_data: Whether the training data can be read.
    """
    init_default_scope('rcg')
    compute_as_a_run(cfg.get('env_cfg', {}).get('float32', 'high'))
    # The schedule of MoCo's momentum; its length costs nothing.
    MessageHub.get_current_instance().update_info('max_iters', 1000)
    timing = Timing(device)
    model = MODELS.build(without_weights(cfg.model.to_dict())).to(device)
    trained, frozen = trained_and_frozen(model)
    size = cfg.train_dataloader.batch_size
    wrapper_cfg = cfg.optim_wrapper.to_dict()
    resolve_lr(wrapper_cfg, size, processes)
    wrapper = build_optim_wrapper(model, wrapper_cfg)
    wrappers = single_wrappers(wrapper).values()
    whole, features = _batch(cfg, size, has_data), 0
    if _stores_features(cfg) and hasattr(model, 'encode'):
        before = num_bytes(whole) - num_bytes(whole['images'])
        whole = with_features(model, whole)
        features = (num_bytes(whole) - before) // size

    def step(count: int) -> Callable[[], object]:
        batch = _first(whole, count)
        model.train()
        return lambda: model.train_step(batch, wrapper)

    images, seconds = _time(step, size, timing)
    return Measured(
        trained, frozen, num_bytes(dict(model.state_dict())),
        sum(optimizer_bytes(one.optimizer) for one in wrappers), features,
        images, seconds, timing.peak_gigabytes(),
        [one.optimizer.param_groups[0]['lr'] for one in wrappers],
        noise=not has_data)


def _time(step: Callable, size: int, timing: Timing) -> tuple[int, float]:
    """Images of the step that was timed, and seconds of the whole batch."""
    images = size
    if not timing.on_gpu and size > FEW:
        few = step(FEW)
        few()
        begun = timing.now()
        few()
        took = timing.now() - begun
        images = min(size, max(FEW, int(LONGEST / took * FEW)))
        if images == FEW:  # another step would only take longer
            return FEW, took * size / FEW
    (seconds, _), = mean_and_least(timing, step(images))
    return images, seconds * size / images


def _first(batch: dict, count: int) -> dict:
    """The first images of a batch and what belongs to them."""
    return {name: value[:count] if hasattr(value, '__getitem__') else value
            for name, value in batch.items()}


def _stores_features(cfg: Config) -> bool:
    return any(type_name(hook) == 'CacheFeaturesHook'
               for hook in cfg.get('custom_hooks') or ())


def _batch(cfg: Config, size: int, has_data: bool) -> dict:
    """The first batch of the training data, or noise of its size."""
    if not has_data:
        return noise_batch(size, pipeline_size(cfg))
    loader = dict(cfg.train_dataloader.to_dict(), num_workers=0,
                  persistent_workers=False, pin_memory=False)
    loader.pop('prefetch_factor', None)
    batch = next(iter(RcgRunner.build_dataloader(loader, seed=0)))
    return {name: value for name, value in batch.items()
            if hasattr(value, '__len__')} if isinstance(batch, dict) else batch


def pipeline_size(cfg: Config) -> int:
    """Side of the images, from the pipeline of the training data.

    Raises:
        ValueError: It does not say.
    """
    for step in reversed(cfg.train_dataloader.dataset.get('pipeline') or []):
        if isinstance(step.get('size'), int):
            return step['size']
    raise ValueError('the training data are missing, and their pipeline does '
                     'not say how large the images are: no step is measured.')


def count_images(cfg: Config) -> int | None:
    """How many training images there are; None if they are not there."""
    with contextlib.suppress(OSError, ValueError):
        return len(DATASETS.build(cfg.train_dataloader.dataset.to_dict()))
    return None


def device_name(device: str) -> str:
    """What a device is called, for people."""
    if torch.device(device).type == 'cuda':
        return torch.cuda.get_device_name(device)
    return f'CPU, {torch.get_num_threads()} threads'
