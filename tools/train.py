"""Train what a config describes.

    python tools/train.py CONFIG [--work-dir DIR] [--resume [CHECKPOINT]]
                          [--extend N] [--amp] [--deterministic]
                          [--dry-run] [--cfg-options KEY=VALUE ...]

CONFIG may be a work folder: the config of the run in it, with its options.
--extend N goes on with a run, finished or not, for N iterations more than its
newest checkpoint has (batches of all processes; the log says how many epochs).
Its learning rate is warmed up again and falls to zero once more; a constant
rate stays constant until its last share. If that is interrupted, the same
command or --resume goes on with it; when it is done, --extend adds to it.
--dry-run says what would be trained, how long it takes, what memory and disk
it needs, from a few steps on this device, and all that is missing, with a
command for each; exit status 1 if something is. It writes nothing.
On several processes: tools/dist_train.sh, tools/slurm_train.sh.
"""
import argparse
import os

from _cli import add_shared, announce, friendly_errors, make_parser


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    add_shared(parser, 'config')
    parser.add_argument(
        '--work-dir', help='where checkpoints and logs go; default: '
        'work_dir of the config, else work_dirs/<config name>')
    parser.add_argument(
        '--resume', nargs='?', const='auto', metavar='CHECKPOINT',
        help='go on where a run stopped: from its newest checkpoint in the '
        "work folder ('auto', the default), or from this file")
    parser.add_argument(
        '--extend', type=int, metavar='N',
        help='go on with the run for N iterations more; epochs with an '
        'EpochBasedTrainLoop')
    parser.add_argument('--amp', action='store_true',
                        help='bfloat16 autocast, on a CPU as on a GPU')
    parser.add_argument('--deterministic', action='store_true',
                        help='the same bits in each run on this machine')
    parser.add_argument('--dry-run', action='store_true',
                        help='say what the run would do, take and lack')
    add_shared(parser, 'cfg_options', 'check', 'launcher', 'local_rank',
               'debug')
    return parser.parse_args(args)


def main() -> None:
    args = parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    announce(f'train {args.config}')
    with friendly_errors(args.debug):
        from rcg.apis import preview, train
        if args.check or args.dry_run:
            preview(args.config, work_dir=args.work_dir, resume=args.resume,
                    amp=args.amp, options=args.cfg_options,
                    steps=args.dry_run)
            return
        train(args.config, work_dir=args.work_dir, resume=args.resume,
              extend=args.extend, amp=args.amp,
              deterministic=args.deterministic, options=args.cfg_options,
              launcher=args.launcher)


if __name__ == '__main__':
    main()
