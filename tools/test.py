"""Compute the metrics of a checkpoint.

    python tools/test.py [CONFIG] CHECKPOINT [--out metrics.json]
                         [--save-images DIR] [--cfg-options KEY=VALUE ...]

CHECKPOINT is a file or a work folder (its newest checkpoint). Without CONFIG,
it is tested with the config that its training left beside it. On several
processes: tools/dist_test.sh, tools/slurm_test.sh; the metrics are the same.
A run that was interrupted goes on when the same command is given again, on
any number of processes: finished batches are kept below the work folder.
The metrics carry their protocol; tools/compare_metrics.py compares two.
"""
import argparse
import os

from _cli import add_shared, announce, friendly_errors, make_parser


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__)
    add_shared(parser, 'config', 'own_checkpoint')
    parser.add_argument('--out', metavar='FILE',
                        help='write the metrics there, as JSON')
    parser.add_argument('--save-images', metavar='DIR',
                        help='write the images there, DIR/00012/00012345.png')
    parser.add_argument('--restart', action='store_true',
                        help='begin anew, not where an interrupted run was')
    parser.add_argument('--save-every', type=float, default=60.,
                        metavar='SECONDS', help='how often to note what is '
                        'done; default: %(default)g')
    parser.add_argument('--deterministic', action='store_true',
                        help='the same bits in each run on this machine')
    add_shared(parser, 'work_dir', 'cfg_options', 'check', 'launcher',
               'local_rank', 'debug')
    # CHECKPOINT may stand after options.
    return parser.parse_intermixed_args(args)


def main() -> None:
    args = parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    announce(' '.join(filter(None, ['test', args.config, args.checkpoint])))
    with friendly_errors(args.debug, 'the same command goes on'):
        from rcg import apis
        from rcg.evaluation.table import show
        if args.check:
            apis.check_run(args.config, args.checkpoint,
                           options=args.cfg_options, testing=True)
            return
        metrics = apis.test(
            args.config, args.checkpoint, out=args.out,
            save_images=args.save_images, restart=args.restart,
            save_every=args.save_every, deterministic=args.deterministic,
            work_dir=args.work_dir, options=args.cfg_options,
            launcher=args.launcher)
        if metrics:  # those of the first process
            show(metrics)


if __name__ == '__main__':
    main()
