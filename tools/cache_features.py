"""Store the outputs of the frozen parts for a training, once.

    python tools/cache_features.py CONFIG [--views K] [--out DIR]
                                   [--cfg-options KEY=VALUE ...]

Encodes K augmented views of each training image, which takes as long as the
frozen parts take in K epochs. The training then reads no image: put the hook
that is printed at the end into its custom_hooks. Epoch e has view e modulo K,
so with random crops the same views come back every K epochs. With flips alone
both are stored, and nothing changes; without randomness there is one view.

On several processes: tools/dist_cache_features.sh. When it was interrupted,
the same command goes on; a larger K adds views. An RCG whose RDM is not yet
trained: --cfg-options model.rdm=None.
"""
import argparse
import os

from _cli import add_shared, announce, friendly_errors, make_parser


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    add_shared(parser, 'config')
    parser.add_argument('--views', type=int, metavar='K',
                        help='views of an image; needed for random crops')
    parser.add_argument('--out', metavar='DIR',
                        help='folder of the features; default: that of the '
                        "config's CacheFeaturesHook, else WORK_DIR/features")
    parser.add_argument('--dtype', choices=('float32', 'float16'),
                        help='of what is no integer; default: float32, as it '
                        'is computed')
    add_shared(parser, 'work_dir', 'cfg_options', 'check', 'launcher',
               'local_rank', 'debug')
    return parser.parse_args(args)


def main() -> None:
    args = parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    announce(f'cache_features {args.config}')
    with friendly_errors(args.debug, 'the same command goes on'):
        from rcg import apis
        if args.check:
            apis.check_run(args.config, options=args.cfg_options)
            return
        folder, hook = apis.cache_features(
            args.config, views=args.views, out=args.out, dtype=args.dtype,
            work_dir=args.work_dir, options=args.cfg_options,
            launcher=args.launcher)
        announce(f'all features are in {folder}\ntrain on them: '
                 f'custom_hooks = [{hook}]')


if __name__ == '__main__':
    main()
