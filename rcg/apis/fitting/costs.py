"""What a step of a stage costs on this device: seconds and memory."""
import multiprocessing
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.model import BaseModel
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from torch import Tensor

from rcg.apis.fitting.choices import Cost
from rcg.apis.full_size import noise_batch
from rcg.apis.stages import START
from rcg.apis.timing import Timing
from rcg.engine import load_config
from rcg.engine.configs.loading import without_weights
from rcg.engine.errors import message
from rcg.engine.schedule import resolve_lr
from rcg.frozen import Frozen
from rcg.registry import ENCODERS, MODELS

# Steps are timed for so many seconds, but two at least.
SECONDS = 3.
SAMPLED, ENCODED = 32, 8  # images
DTYPES = 'float32', 'bfloat16'
# A parameter, its average and its two moments in AdamW, in three checkpoints.
BYTES_ON_DISK = 4 * 4 * 3


def measure(path: Path, device: str, threads: int, *,
            work: str = 'step') -> Cost:
    """Measure training steps of a stage, or sampling, with random weights.

    In a process of its own, whose memory is counted.

    Args:
        path: Config of the stage.
        device: cpu, cuda, ...
        threads: Threads of PyTorch.
        work: 'step' of a training; 'precisions', a step in float32 and one
            in bfloat16; 'image' that is drawn; 'features' of an
            image in the project's encoder, if it is pretrained.

    Raises:
        ValueError: It does not fit this device, or ended with an error.
    """
    ours, theirs = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context(START).Process(
        target=_measure, args=(theirs, str(path), device, threads, work))
    child.start()
    theirs.close()
    try:
        found = ours.recv()
    except EOFError:
        child.join()
        found = (f'its process ended with exit status {child.exitcode} (-9: '
                 'too little memory). Choose a smaller --size')
    child.join()
    if isinstance(found, Cost):
        return found
    raise ValueError(
        f'the stage {path.stem} was tried ({work}) and failed: {found}')


def _measure(results: Connection, path: str, device: str, threads: int,
             work: str) -> None:
    torch.set_num_threads(threads)
    try:
        results.send(_cost(path, device, work))
    except (RuntimeError, ValueError, TypeError, KeyError,
            OSError) as error:
        results.send(message(error))


def _cost(path: str, device: str, work: str) -> Cost:
    init_default_scope('rcg')
    cfg = load_config(path)
    timing = Timing(device)
    disk_mb, by_dtype = 0, {}
    if work == 'features':
        seconds = _of_features(cfg, timing)
    elif work == 'image':
        seconds = _of_sampling(cfg, timing)
    elif work == 'step':
        ((seconds, _), ), disk_mb = _of_steps(cfg, timing, {})
    else:
        both, disk_mb = _of_steps(cfg, timing, *(
            dict(dtype=dtype) for dtype in DTYPES))
        seconds = both[0][0]
        # What else runs on the machine lengthens some steps, by chance.
        by_dtype = {dtype: least for dtype, (_, least) in zip(
            DTYPES, both, strict=True)}
    return Cost(seconds, int(timing.peak_gigabytes() * 1000), disk_mb,
                by_dtype)


def _of_features(cfg: Config, timing: Timing) -> float:
    encoder = Frozen.build(ENCODERS, cfg._frozen_encoder.to_dict())
    images = noise_batch(ENCODED, cfg._size)['images']
    images = images.to(timing.device) / 127.5 - 1
    with encoder.in_float32(timing.device) as module, torch.no_grad():
        return _seconds(timing, lambda: module(images))[0][0] / ENCODED


def _of_sampling(cfg: Config, timing: Timing) -> float:
    model = MODELS.build(without_weights(cfg.model.to_dict()))
    model.to(timing.device).eval()
    batch = noise_batch(SAMPLED, cfg._size)
    return _seconds(timing, lambda: model.test_step(batch))[0][0] / SAMPLED


def _of_steps(cfg: Config, timing: Timing,
              *options: dict) -> tuple[list[tuple[float, float]], int]:
    """Mean and least seconds of a step under each of some options; MB saved.

    The steps alternate: other work on the machine slows all of them.
    """
    # The schedule of MoCo's momentum; its length costs nothing.
    MessageHub.get_current_instance().update_info('max_iters', 1000)
    model = MODELS.build(without_weights(cfg.model.to_dict()))
    model.to(timing.device)
    wrapper_cfg = cfg.optim_wrapper.to_dict()
    batch = noise_batch(cfg.train_dataloader.batch_size, cfg._size)
    resolve_lr(wrapper_cfg, len(batch['images']), 1)
    wrappers = [build_optim_wrapper(model, wrapper_cfg | option)
                for option in options]
    batch = _encoded(model, batch)
    seconds = _seconds(timing, *(
        partial(model.train_step, batch, wrapper) for wrapper in wrappers))
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return seconds, round(trained * BYTES_ON_DISK / 1e6)


def _seconds(timing: Timing, *acts: Callable[[], object]
             ) -> list[tuple[float, float]]:
    """Mean and least seconds of each, after a first call; they alternate."""
    for act in acts:
        act()
    begun, took = time.monotonic(), [[] for _ in acts]
    while (len(took[0]) < 2
           or time.monotonic() - begun < SECONDS * len(acts)):
        for act, seconds in zip(acts, took, strict=True):
            before = timing.now()
            act()
            seconds.append(timing.now() - before)
    return [(sum(seconds) / len(seconds), min(seconds)) for seconds in took]


def _encoded(model: BaseModel, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """The batch with stored features, if the model trains on such.

    The frozen parts see one image, many times: each image is seen once in a
    run, and their memory does not count here.
    """
    if not hasattr(model, 'encode'):
        return batch
    first = model.data_preprocessor(dict(images=batch['images'][:1]))
    with torch.no_grad():
        encoded = model.encode(first['images'])
    count = len(batch['images'])
    rest = {name: value for name, value in batch.items() if name != 'images'}
    return rest | {name: value.cpu().repeat_interleave(count, 0)
                   for name, value in encoded.items()}
