"""Compose images: half of the tokens of one, the others of another.

    python -m rcg.projects.dlc CONFIG CHECKPOINT --first IMAGE ...
        --second IMAGE ... [--share .5] [--seed 0] [--out DIR]

IMAGE is a file, a folder, or the number of an image of the config's dataset.
Writes each pair as a PNG, and a grid with the images of --first on the left,
those of --second on top.
"""
import argparse


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog='python -m rcg.projects.dlc', description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', metavar='CONFIG')
    parser.add_argument('checkpoint', metavar='CHECKPOINT',
                        help='file or work folder')
    for name, place in ('first', 'left'), ('second', 'top'):
        parser.add_argument(f'--{name}', nargs='+', required=True,
                            metavar='IMAGE', help=f'on the {place}')
    parser.add_argument('--share', type=float, default=.5,
                        help='of the tokens that come from the second image '
                        '(default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--out', metavar='DIR')
    parser.add_argument('--device')
    parser.add_argument('--cfg-options', nargs='+', metavar='KEY=VALUE')
    return parser.parse_args(args)


def main() -> None:
    args = parse_args()
    print('composition: loading PyTorch', flush=True)
    from rcg.projects.dlc.compose import compose_images
    print(compose_images(
        args.config, args.checkpoint, args.first, args.second, args.out,
        seed=args.seed, share=args.share, device=args.device,
        options=args.cfg_options))


if __name__ == '__main__':
    main()
