"""Draw images: PNG files and a grid.

    python tools/sample.py CONFIG CHECKPOINT [--num 64] [--out DIR]
                           [--seed 0] [--labels 3 1 4 ...]

CHECKPOINT is a file or a work folder. Image i depends on the seed and i
alone. The files are DIR/000000.png, ... and DIR/grid.png.
"""
import argparse
import sys
from pathlib import Path


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file or work folder')
    parser.add_argument('--num', type=int, default=64, help='images to draw')
    parser.add_argument('--out', default='samples', metavar='DIR')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--labels', type=int, nargs='+', metavar='LABEL',
                        help='for a class-conditional model; image i gets '
                        'LABEL number i modulo how many there are')
    parser.add_argument('--batch-size', type=int, default=64)
    parser.add_argument('--device', help='cuda, cpu, ...')
    parser.add_argument('--cfg-options', nargs='+', metavar='KEY=VALUE',
                        default=[], help='override config entries: a.b=1')
    parser.add_argument('--debug', action='store_true',
                        help='show the traceback of errors')
    return parser.parse_args(args)


def run(args: argparse.Namespace) -> None:
    import torch
    from PIL import Image

    from rcg.apis import RCGInferencer
    from rcg.engine import load_config, make_grid

    cfg = load_config(args.config, args.cfg_options)
    model = RCGInferencer(cfg, args.checkpoint, args.device)
    labels = args.labels and [args.labels[i % len(args.labels)]
                              for i in range(args.num)]
    folder, shown, done = Path(args.out), [], 0
    folder.mkdir(parents=True, exist_ok=True)
    for batch in model.batches(args.num, args.seed, labels, args.batch_size):
        for image in batch:
            pixels = image.permute(1, 2, 0).numpy()
            Image.fromarray(pixels).save(folder / f'{done:06d}.png')
            done += 1
        if len(shown) < 64:
            shown.extend(batch[:64 - len(shown)])
        print(f'{done}/{args.num} images', flush=True)
    grid = make_grid(torch.stack(shown)).permute(1, 2, 0).numpy()
    Image.fromarray(grid).save(folder / 'grid.png')
    print(f'{folder}/grid.png shows the first {len(shown)}')


def main() -> None:
    args = parse_args()
    print(f'sample {args.config} {args.checkpoint}', flush=True)
    try:
        from rcg.engine.tool import friendly_errors
    except ModuleNotFoundError as error:
        sys.exit(f"error: there is no module '{error.name}'. Install the "
                 'project first: pip install -e . (in its folder)')
    with friendly_errors(args.debug):
        run(args)


if __name__ == '__main__':
    main()
