"""Draw images: PNG files and a grid.

    python tools/sample.py CONFIG CHECKPOINT [--num 64] [--out DIR]
        [--classes "tabby cat" 3 ...]       of these classes, in turn
        [--reconstruct IMAGE_OR_FOLDER ...] from the representation of each
        [--vary IMAGE]                      more from one representation
        [--interpolate A B [--steps 8]]     between two representations

CHECKPOINT is a file or a work folder. IMAGE, A and B are files, or numbers of
(held-out) images of the config's dataset. Image i depends on the seed and i
alone; it is DIR/00000i.png. DIR/grid.png shows 64 of them, by class, or 64
given images and what was drawn from them. Guidance and the like: --cfg-options
model.generator.guidance_scale=2 model.generator.temperature=6
"""
import argparse
from pathlib import Path


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file or work folder')
    parser.add_argument('--num', type=int, help='images to draw: 64 in all; '
                        'with --reconstruct 4, with --vary 8, of each image')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--out', default='samples', metavar='DIR')
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument('--classes', nargs='+', metavar='CLASS',
                      help='names or numbers, for a class-conditional model')
    mode.add_argument('--labels', type=int, nargs='+', metavar='LABEL',
                      help='their numbers; all in turn by default')
    mode.add_argument('--reconstruct', nargs='+', metavar='IMAGE')
    mode.add_argument('--vary', nargs=1, metavar='IMAGE')
    mode.add_argument('--interpolate', nargs=2, action='append',
                      metavar=('A', 'B'), help='may be given several times')
    parser.add_argument('--steps', type=int, default=8, help='from A to B')
    parser.add_argument('--class-names', metavar='FILE', help='text or JSON')
    parser.add_argument('--batch-size', type=int, help='images at a time, '
                        'the last ones too: 64, or 8 from given images')
    parser.add_argument('--device', help='cuda, cpu, ...')
    parser.add_argument('--cfg-options', nargs='+', metavar='KEY=VALUE',
                        default=[], help='override config entries: a.b=1')
    parser.add_argument('--debug', action='store_true',
                        help='show the traceback of errors')
    return parser.parse_args(args)


def sample(model, cfg, args, save):
    """Draw from noise, and labels if the model takes them."""
    import torch
    from PIL import Image

    from rcg.apis import labelled_grid
    from rcg.apis.classes import find_labels
    from rcg.engine import make_grid
    num = 64 if args.num is None else args.num
    turn, titles = args.labels, {}
    if args.classes:
        titles = find_labels(cfg, args.classes, model.num_classes,
                             args.class_names)
        turn = list(titles)
    elif turn is None and model.num_classes is not None:
        turn = range(model.num_classes)
    labels = turn and [turn[i % len(turn)] for i in range(num)]
    shown = []
    for batch in model.batches(num, args.seed, labels, args.batch_size or 64):
        shown.extend(batch[:64 - len(shown)])
        print(f'{save(batch)}/{num} images', flush=True)
    if not labels:
        grid = make_grid(torch.stack(shown))
        return Image.fromarray(grid.permute(1, 2, 0).numpy())
    rows = {}
    for label, image in zip(labels, shown, strict=False):
        rows.setdefault(label, []).append(image)
    return labelled_grid([(titles.get(i, f'class {i}'), row)
                          for i, row in rows.items()])


def redraw(model, cfg, args, save):
    """Draw from the representations of given images."""
    from rcg.apis import labelled_grid, load_images
    pairs = args.interpolate
    images, titles = load_images(cfg, args.reconstruct or args.vary or
                                 [name for pair in pairs for name in pair])
    size = args.batch_size or 8
    if pairs:
        if len(images) != 2 * len(pairs):
            raise ValueError('--interpolate takes images, not folders.')
        if args.num is not None:
            raise ValueError('--interpolate takes --steps, not --num.')
        titles = [' to '.join(titles[i:i + 2])
                  for i in range(0, len(titles), 2)]
        images = images.unflatten(0, (-1, 2))
    num = args.num if args.num is not None else 8 if args.vary else 4
    rows = []
    for title, given in zip(titles, images, strict=True):
        if pairs:
            drawn = model.interpolate(*given, args.steps, args.seed, size)
            rows += [(title, [given[0], *drawn, given[1]])]
        else:
            drawn = model.vary(given, num, args.seed, size)
            rows += [(title, [given, *drawn])]
        print(f'{save(drawn)}/{len(titles) * len(drawn)} images', flush=True)
    header = ['given', *map(str, range(num))]
    if pairs:
        weights = [i / (args.steps - 1) for i in range(args.steps)]
        header = ['A', *(f't = {t:.2f}' for t in weights), 'B']
    return labelled_grid(rows[:64], header)


def run(args: argparse.Namespace) -> None:
    from PIL import Image

    from rcg.apis import RCGInferencer
    from rcg.engine import load_config
    cfg = load_config(args.config, args.cfg_options)
    model = RCGInferencer(cfg, args.checkpoint, args.device)
    folder, done = Path(args.out), 0
    folder.mkdir(parents=True, exist_ok=True)

    def save(images) -> int:
        nonlocal done
        for done, image in enumerate(images, done + 1):
            Image.fromarray(image.permute(1, 2, 0).numpy()).save(
                folder / f'{done - 1:06d}.png')
        return done

    given = args.reconstruct or args.vary or args.interpolate
    picture = (redraw if given else sample)(model, cfg, args, save)
    picture.save(folder / 'grid.png')
    print(f'{folder}/grid.png shows them')


def main() -> None:
    args = parse_args()
    print(f'sample {args.config} {args.checkpoint}', flush=True)
    from _cli import friendly_errors

    with friendly_errors(args.debug, 'start again'):
        run(args)


if __name__ == '__main__':
    main()
