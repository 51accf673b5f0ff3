"""Does a model fit this machine, and how fast is it there?

    python tools/check_full_size.py CONFIG [--batch-size 2] [--image-size 256]
                     [--device cuda] [--steps 0] [--images 1] [--float32 high]

Build it, train a step, sample. Weights are random, so nothing must be
downloaded and nothing is learned. Printed are the seconds of each stage and
the peak memory so far. A model takes longer and needs more memory with more
images at a time; ``--steps`` and ``--images`` show how many a second.
"""
import argparse
import json


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file of an RCG or an RDM')
    parser.add_argument('--batch-size', type=int, default=2,
                        help='images of the training step')
    parser.add_argument('--image-size', type=int, default=256,
                        help='side of the images in pixels')
    parser.add_argument('--steps', type=int, default=0,
                        help='training steps after the first, to time')
    parser.add_argument('--images', type=int, default=1,
                        help='images to sample, in one batch')
    parser.add_argument('--float32', default='high',
                        choices=('highest', 'high'), help='exact, or TF32 '
                        'for products on a GPU; default: %(default)s')
    parser.add_argument('--device', default='cpu', help='cpu, cuda, ...')
    parser.add_argument('--out', metavar='FILE',
                        help='write the numbers there, as JSON')
    parser.add_argument('--cfg-options', nargs='+', metavar='KEY=VALUE',
                        default=[], help='override config entries: a.b=1')
    parser.add_argument('--debug', action='store_true',
                        help='show the traceback of errors')
    return parser.parse_args(args)


def noise(args: argparse.Namespace) -> dict:
    """A batch to train on, as a loader hands it over."""
    import torch
    size, shape = args.batch_size, (3, args.image_size, args.image_size)
    indices = torch.arange(size)
    batch = dict(
        images=torch.randint(256, (size, *shape), dtype=torch.uint8),
        labels=torch.zeros_like(indices), indices=indices,
        keys=torch.stack([torch.zeros_like(indices), indices], 1))
    if args.device.startswith('cuda'):
        batch = {name: part.pin_memory() for name, part in batch.items()}
    return batch


def sample(model, args: argparse.Namespace) -> list[dict]:
    """Draw images as a test does."""
    import torch
    indices = torch.arange(args.images)
    keys = torch.stack([torch.zeros_like(indices), indices], 1)
    return model.test_step(dict(keys=keys, indices=indices,
                                labels=torch.zeros_like(indices)))


def run(args: argparse.Namespace) -> dict:
    from mmengine.optim import build_optim_wrapper
    from mmengine.registry import init_default_scope

    from rcg.apis.timing import Timing
    from rcg.engine import load_config
    from rcg.engine.config import without_weights
    from rcg.engine.schedule import resolve_lr
    from rcg.precision import set_float32
    from rcg.registry import MODELS

    cfg = load_config(args.config, args.cfg_options)
    init_default_scope('rcg')
    set_float32(args.float32)
    timing = Timing(args.device)
    with timing.stage('build'):
        model = MODELS.build(without_weights(cfg.model.to_dict()))
        model.to(timing.device)
    count = sum(p.numel() for p in model.parameters() if p.requires_grad)
    print(f'{count:,} parameters are trained', flush=True)
    options = cfg.optim_wrapper.to_dict()
    if not timing.on_gpu:
        options['dtype'] = 'float32'  # many CPUs only emulate bfloat16
    resolve_lr(options, args.batch_size, 1)
    batch = noise(args)
    with timing.stage('train'):
        wrapper = build_optim_wrapper(model, options)
        loss = model.train_step(batch, wrapper)['loss'].item()
    if args.steps:
        with timing.waits('train'):
            model.train_step(batch, wrapper)
        with timing.stage('steps', args.steps * args.batch_size):
            for _ in range(args.steps):
                model.train_step(batch, wrapper)
    model.eval()
    if timing.on_gpu:
        sample(model, args)  # the first time it is slow
        with timing.waits('sample'):
            sample(model, args)
    with timing.stage('sample', args.images):
        drawn, *_ = sample(model, args)
    drawn.pop('index')
    shapes = {name: tuple(value.shape) for name, value in drawn.items()}
    print(f'loss {loss:.4f}; sampled {shapes}')
    return dict(timing.found, trained_parameters=count, loss=loss)


def main() -> None:
    args = parse_args()
    print(f'check {args.config}', flush=True)
    from _cli import friendly_errors

    with friendly_errors(args.debug):
        found = run(args)
        if args.out:
            with open(args.out, 'w') as file:
                json.dump(found, file, indent=1)


if __name__ == '__main__':
    main()
