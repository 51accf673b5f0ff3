"""Does a model fit this machine? Build it, train a step, sample one image.

    python tools/check_full_size.py CONFIG [--batch-size 2] [--image-size 256]

Weights are random, so nothing must be downloaded and nothing is learned.
Printed are the seconds of each stage and the peak memory of the process so
far. A model takes longer and needs more memory with more images at a time.
"""
import argparse
import json
import resource
import sys
import time
from contextlib import contextmanager


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file of an RCG or an RDM')
    parser.add_argument('--batch-size', type=int, default=2,
                        help='images of the training step')
    parser.add_argument('--image-size', type=int, default=256,
                        help='side of the images in pixels')
    parser.add_argument('--device', default='cpu', help='cpu, cuda, ...')
    parser.add_argument('--out', metavar='FILE',
                        help='write the numbers there, as JSON')
    parser.add_argument('--cfg-options', nargs='+', metavar='KEY=VALUE',
                        default=[], help='override config entries: a.b=1')
    parser.add_argument('--debug', action='store_true',
                        help='show the traceback of errors')
    return parser.parse_args(args)


def peak_gigabytes(device) -> float:
    """Most memory so far: of the GPU, or of this process."""
    import torch
    if device.type == 'cuda':
        return torch.cuda.max_memory_allocated(device) / 1e9
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == 'darwin' else 1024) / 1e9


@contextmanager
def measured(stage: str, device, found: dict):
    """Time what happens inside; print and keep it with the memory."""
    begun = time.monotonic()
    yield
    seconds, memory = time.monotonic() - begun, peak_gigabytes(device)
    found[stage] = {'seconds': round(seconds, 2),
                    'peak_gigabytes': round(memory, 2)}
    print(f'{stage:6} {seconds:8.1f} s   peak {memory:6.2f} GB', flush=True)


def one_step(model, wrapper, args: argparse.Namespace) -> dict:
    """Train one step on noise; return what would be logged."""
    import torch
    size, shape = args.batch_size, (3, args.image_size, args.image_size)
    indices = torch.arange(size)
    batch = dict(
        images=torch.randint(256, (size, *shape), dtype=torch.uint8),
        labels=torch.zeros_like(indices), indices=indices,
        keys=torch.stack([torch.zeros_like(indices), indices], 1))
    return model.train_step(batch, wrapper)


def run(args: argparse.Namespace) -> dict:
    import torch
    from mmengine.optim import build_optim_wrapper
    from mmengine.registry import init_default_scope
    from starting import without_weights

    from rcg.engine import load_config
    from rcg.engine.schedule import resolve_lr
    from rcg.registry import MODELS

    cfg = load_config(args.config, args.cfg_options)
    init_default_scope('rcg')
    device, found = torch.device(args.device), {}
    with measured('build', device, found):
        model = MODELS.build(without_weights(cfg.model.to_dict())).to(device)
    count = sum(p.numel() for p in model.parameters() if p.requires_grad)
    print(f'{count:,} parameters are trained', flush=True)
    with measured('train', device, found):
        options = cfg.optim_wrapper.to_dict()
        if device.type == 'cpu':
            options['dtype'] = 'float32'  # many CPUs only emulate bfloat16
        resolve_lr(options, args.batch_size, 1)
        logged = one_step(model, build_optim_wrapper(model, options), args)
    loss = logged['loss'].item()
    with measured('sample', device, found):
        model.eval()
        zero = torch.zeros(1, dtype=torch.int64)
        drawn, = model.test_step(dict(keys=torch.zeros(1, 2).long(),
                                      indices=zero, labels=zero))
    drawn.pop('index')
    shapes = {name: tuple(value.shape) for name, value in drawn.items()}
    print(f'loss {loss:.4f}; sampled {shapes}')
    return dict(found, trained_parameters=count, loss=loss)


def main() -> None:
    args = parse_args()
    print(f'check {args.config}', flush=True)
    from starting import friendly_errors

    with friendly_errors(args.debug):
        found = run(args)
        if args.out:
            with open(args.out, 'w') as file:
                json.dump(found, file, indent=1)


if __name__ == '__main__':
    main()
