"""Draw images: PNG files and a grid.

    python tools/sample.py [CONFIG] CHECKPOINT [--num 64] [--out DIR]
        [--classes "tabby cat" 3 ...]       of these classes, in turn
        [--reconstruct IMAGE_OR_FOLDER ...] from the representation of each
        [--vary IMAGE]                      more from one representation
        [--interpolate A B [--steps 8]]     between two representations
        [--guidance 0 6]                    the same images, each guided so

CHECKPOINT is a file or a work folder. Without CONFIG, it is sampled with the
config that its training left beside it. IMAGE, A and B are files, or numbers
of (held-out) images of the config's dataset. Image i depends on the seed and i
alone; it is DIR/00000i.png. Images of an earlier call are removed.
DIR/grid.png shows 64 of them, by class, or 64 given images and what was drawn
from them. --guidance is that of the paper's tables, off at 0; --guidance-scale
that of our configs, off at 1, one more. Guidance of all images, and the like:
--cfg-options model.generator.guidance_scale=2 model.generator.temperature=6
In less precision: model.sampling.generator=bfloat16
model.sampling.decoder=bfloat16 model.sampling.channels_last=True
"""
import argparse

from _cli import add_shared, announce, friendly_errors, make_parser


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    add_shared(parser, 'config', 'own_checkpoint')
    parser.add_argument('--num', type=int, help='images to draw: 64 in all; '
                        'with --reconstruct 4, with --vary 8, of each image; '
                        'with --guidance 16 at each scale')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument(
        '--out', metavar='DIR', help='by default drawn/ in the work folder, '
        'or samples/NAME of the checkpoint')
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument('--classes', nargs='+', metavar='CLASS',
                      help='names or numbers, for a class-conditional model')
    mode.add_argument('--labels', type=int, nargs='+', metavar='LABEL',
                      help='their numbers; all in turn by default')
    mode.add_argument('--reconstruct', nargs='+', metavar='IMAGE')
    mode.add_argument('--vary', nargs=1, metavar='IMAGE')
    mode.add_argument('--guidance', nargs='+', type=float, metavar='TAU')
    mode.add_argument('--guidance-scale', nargs='+', type=float, metavar='W')
    mode.add_argument('--interpolate', nargs=2, action='append',
                      metavar=('A', 'B'), help='may be given several times')
    parser.add_argument('--steps', type=int, default=8, help='from A to B')
    parser.add_argument('--class-names', metavar='FILE', help='text or JSON')
    parser.add_argument('--batch-size', type=_size, metavar='N',
                        help='images at a time, the last ones too: 64, or 8 '
                        'from given images; auto: as many as memory allows')
    parser.add_argument('--overlap', action='store_true', help='on a GPU, '
                        'decode images while the next ones are drawn')
    add_shared(parser, 'device', 'cfg_options', 'debug')
    # CHECKPOINT may stand after options.
    return parser.parse_intermixed_args(args)


def _size(text: str) -> int | str:
    return text if text == 'auto' else int(text)


def run(args: argparse.Namespace) -> None:
    from rcg import apis
    common = dict(out=args.out, seed=args.seed, device=args.device,
                  options=args.cfg_options, overlap=args.overlap)
    if args.batch_size is not None:
        common['batch_size'] = args.batch_size
    numbered = {} if args.num is None else dict(num=args.num)
    model = args.config, args.checkpoint
    if args.interpolate:
        if numbered:
            raise ValueError('--interpolate takes --steps, not --num.')
        grid = apis.interpolate_images(
            *model, args.interpolate, steps=args.steps, **common)
    elif args.guidance or args.guidance_scale:
        from rcg.apis.sweep.settings import guidance_scales
        grid = apis.compare_guidance(*model, guidance_scales(
            args.guidance, args.guidance_scale), **numbered, **common)
    elif args.reconstruct:
        grid = apis.redraw_images(
            *model, args.reconstruct, **numbered, **common)
    elif args.vary:
        grid = apis.redraw_images(
            *model, args.vary, **{'num': 8, **numbered}, **common)
    else:
        grid = apis.sample_images(
            *model, classes=args.classes, labels=args.labels,
            class_names=args.class_names, **numbered, **common)
    print(f'{grid} shows them')


def main() -> None:
    args = parse_args()
    announce(' '.join(filter(None, ['sample', args.config, args.checkpoint])))
    with friendly_errors(args.debug, 'start again'):
        run(args)


if __name__ == '__main__':
    main()
