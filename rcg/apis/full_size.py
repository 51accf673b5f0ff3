"""Whether a model fits this machine, and how fast it is there."""
import torch
from mmengine.config import Config, ConfigDict
from mmengine.model import BaseModel
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from torch import Tensor

from rcg.apis.json_file import write_json
from rcg.apis.run_config import load_any_config
from rcg.apis.timing import Timing
from rcg.engine.configs.loading import without_weights
from rcg.engine.devices import compute_as_a_run, usable_device
from rcg.engine.schedule import resolve_lr
from rcg.registry import MODELS


def check_full_size(config: Config | dict | str, *, batch_size: int = 2,
                    image_size: int = 256, steps: int = 0, images: int = 1,
                    float32: str = 'high', device: str = 'cpu',
                    out: str | None = None,
                    options: list[str] | dict | None = None) -> dict:
    """Build a model, train a step, sample; print seconds and peak memory.

    Weights are random: nothing is downloaded, nothing is learned.

    Args:
        config: A config of an RCG or an RDM, or its path.
        batch_size: Images of a training step.
        image_size: Side of the images in pixels.
        steps: Training steps to time, after the first.
        images: Images to sample, in one batch.
        float32: 'highest' is exact; 'high' is TF32 for products on a GPU.
        device: cpu, cuda, ...
        out: JSON file for the result.
        options: Changes of the config by dotted key.

    Returns:
        What :class:`Timing` found, ``trained_parameters`` (their number) and
        ``loss`` of the first step.
    """
    timing = Timing(usable_device(device))
    cfg = load_any_config(config, options)
    init_default_scope('rcg')
    compute_as_a_run(float32)
    model, count = _build(cfg.model, timing)
    wrapper_cfg = _optim_wrapper(cfg, batch_size, timing.on_gpu)
    batch = noise_batch(batch_size, image_size, timing.on_gpu)
    loss = _train(model, wrapper_cfg, batch, steps, timing)
    shapes = _sample(model.eval(), images, timing)
    print(f'loss {loss:.4f}; sampled {shapes}')
    found = dict(timing.found, trained_parameters=count, loss=loss)
    if out:
        write_json(found, out)
    return found


def _build(model_cfg: ConfigDict, timing: Timing) -> tuple[BaseModel, int]:
    """A model of random weights, and the number of trained parameters."""
    with timing.stage('build'):
        model = MODELS.build(without_weights(model_cfg.to_dict()))
        model.to(timing.device)
    count = sum(p.numel() for p in model.parameters() if p.requires_grad)
    print(f'{count:,} parameters are trained', flush=True)
    return model, count


def _optim_wrapper(cfg: Config, batch_size: int, on_gpu: bool) -> dict:
    """Its config, with the learning rate of a batch on one device."""
    wrapper_cfg = cfg.optim_wrapper.to_dict()
    if not on_gpu:
        wrapper_cfg['dtype'] = 'float32'  # many CPUs only emulate bfloat16
    resolve_lr(wrapper_cfg, batch_size, 1)
    return wrapper_cfg


def noise_batch(size: int, image_size: int, pinned: bool = False
                ) -> dict[str, Tensor]:
    """A batch to train on, as a loader hands it over."""
    indices = torch.arange(size)
    batch = dict(
        images=torch.randint(256, (size, 3, image_size, image_size),
                             dtype=torch.uint8),
        labels=torch.zeros_like(indices), indices=indices,
        keys=torch.stack([torch.zeros_like(indices), indices], 1))
    if pinned:
        batch = {name: part.pin_memory() for name, part in batch.items()}
    return batch


def _train(model: BaseModel, wrapper_cfg: dict, batch: dict[str, Tensor],
           steps: int, timing: Timing) -> float:
    """Train the first step and, if any, the timed ones; the first loss."""
    with timing.stage('train'):
        wrapper = build_optim_wrapper(model, wrapper_cfg)
        loss = model.train_step(batch, wrapper)['loss'].item()
    if steps:
        with timing.waits('train'):
            model.train_step(batch, wrapper)
        with timing.stage('steps', steps * len(batch['images'])):
            for _ in range(steps):
                model.train_step(batch, wrapper)
    return loss


def _sample(model: BaseModel, count: int, timing: Timing
            ) -> dict[str, tuple[int, ...]]:
    """Sample as a test does; the shapes of what is drawn for one image."""
    indices = torch.arange(count)
    batch = dict(keys=torch.stack([torch.zeros_like(indices), indices], 1),
                 indices=indices, labels=torch.zeros_like(indices))
    if timing.on_gpu:
        model.test_step(batch)  # the first time is slow
        with timing.waits('sample'):
            model.test_step(batch)
    with timing.stage('sample', count):
        drawn, *_ = model.test_step(batch)
    return {name: tuple(value.shape) for name, value in drawn.items()
            if name != 'index'}
