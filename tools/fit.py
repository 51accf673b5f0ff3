"""Train RCG on a folder of images: choose, train, score, report.

    python tools/fit.py FOLDER [--size 64] [--time 30m] [--out DIR]
                        [--preset NAME] [--encoder ENCODER]
                        [--generator mage|pixels] [--baseline] [--class-cond]
                        [--dry-run]

Looks at the folder, tries some steps on this device, prints what each stage
will cost, and writes a project of small configs to DIR (by default
work_dirs/fit/NAME-SIZE). Then trains encoder, tokenizer, RDM and MAGE, chooses
the temperature by held-out images, and writes DIR/samples/, DIR/report.html
and DIR/summary.json. With --generator pixels, a transformer over patches of
pixels takes the place of MAGE and its tokenizer. A pretrained encoder that is
on this machine is taken instead of training one. Interrupted and started
again, it goes on.
"""
import argparse

from _cli import add_shared, announce, friendly_errors, make_parser


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument('folder', help='images, flat or in folders')
    parser.add_argument('--size', type=int, metavar='PIXELS',
                        help='side of the images of the model')
    parser.add_argument('--time', default='30m', metavar='TIME',
                        help='for everything: 90s, 25m, 1h30m '
                        '(default: %(default)s)')
    parser.add_argument('--out', metavar='DIR', help='folder of the project')
    parser.add_argument('--preset', metavar='NAME', help='a config of '
                        'configs/folder, such as tiny_32')
    parser.add_argument('--encoder', default='auto', metavar='ENCODER',
                        help="a pretrained one: a file of timm's weights or "
                        'a name in timm whose weights are on this machine; '
                        "'train' trains one; 'auto' (the default) takes what "
                        'is there, else trains one')
    parser.add_argument('--generator', default='mage',
                        choices=('mage', 'pixels'), help='what draws: MAGE '
                        'over tokens (the default), or a transformer over '
                        'pixels, without a tokenizer')
    parser.add_argument('--baseline', action='store_true',
                        help='train an unconditional generator, too')
    parser.add_argument('--class-cond', action='store_true',
                        help='train a generator by class, too: for a folder '
                        'of class folders')
    parser.add_argument('--dry-run', action='store_true',
                        help='print what it would cost and stop')
    add_shared(parser, 'device', 'debug')
    return parser.parse_args(args)


def main() -> None:
    args = parse_args()
    announce(f'fit {args.folder}')
    with friendly_errors(args.debug, 'the same command goes on from here'):
        from rcg.apis import fit
        fit(args.folder, size=args.size, time_limit=args.time, out=args.out,
            preset=args.preset, encoder=args.encoder,
            baseline=args.baseline, class_cond=args.class_cond,
            generator=args.generator, dry_run=args.dry_run, device=args.device)


if __name__ == '__main__':
    main()
