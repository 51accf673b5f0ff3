"""What a step of a stage costs on this device: seconds and memory."""
from functools import partial
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

from rcg.apis.few_steps import mean_and_least, with_features
from rcg.apis.fitting.choices import Cost
from rcg.apis.full_size import noise_batch
from rcg.apis.own_process import in_own_process
from rcg.apis.timing import Timing
from rcg.engine import load_config
from rcg.engine.configs.loading import without_weights
from rcg.engine.schedule import resolve_lr
from rcg.frozen import Frozen
from rcg.registry import ENCODERS, MODELS

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
    try:
        return in_own_process(_cost, str(path), device, work, threads=threads,
                              remedy='Choose a smaller --size')
    except ValueError as error:
        raise ValueError(f'the stage {path.stem} was tried ({work}) and '
                         f'failed: {error}') from error


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
        (seconds, _), = mean_and_least(timing, lambda: module(images))
    return seconds / ENCODED


def _of_sampling(cfg: Config, timing: Timing) -> float:
    model = MODELS.build(without_weights(cfg.model.to_dict()))
    model.to(timing.device).eval()
    batch = noise_batch(SAMPLED, cfg._size)
    (seconds, _), = mean_and_least(timing, lambda: model.test_step(batch))
    return seconds / SAMPLED


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
    batch = with_features(model, batch)
    seconds = mean_and_least(timing, *(
        partial(model.train_step, batch, wrapper) for wrapper in wrappers))
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return seconds, round(trained * BYTES_ON_DISK / 1e6)
