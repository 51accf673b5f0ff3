"""Compute the metrics of a checkpoint.

    python tools/test.py CONFIG CHECKPOINT [--out metrics.json]
                         [--save-images DIR] [--cfg-options KEY=VALUE ...]

CHECKPOINT is a file or a work folder (its newest checkpoint). On several
processes: tools/dist_test.sh, tools/slurm_test.sh; the metrics are the same.
A run that was interrupted goes on when the same command is given again, on
any number of processes: finished batches are kept below the work folder.
The metrics carry their protocol; tools/compare_metrics.py compares two.
"""
import argparse
import json
import os
from pathlib import Path


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file or work folder')
    parser.add_argument('--out', metavar='FILE',
                        help='write the metrics there, as JSON')
    parser.add_argument('--save-images', metavar='DIR',
                        help='write the images there, DIR/00012/00012345.png')
    parser.add_argument('--restart', action='store_true',
                        help='begin anew, not where an interrupted run was')
    parser.add_argument('--save-every', type=float, default=60.,
                        metavar='SECONDS', help='how often to note what is '
                        'done; default: %(default)g')
    parser.add_argument(
        '--work-dir', help='where logs go; default: work_dir of the config, '
        'else work_dirs/<config name>')
    parser.add_argument('--cfg-options', nargs='+', metavar='KEY=VALUE',
                        default=[], help='override config entries: a.b=1')
    parser.add_argument('--launcher', default='none',
                        choices=('none', 'pytorch', 'slurm'))
    parser.add_argument('--local-rank', '--local_rank', type=int, default=0,
                        help='set by old launchers')
    parser.add_argument('--debug', action='store_true',
                        help='show the traceback of errors')
    return parser.parse_args(args)


def write(metrics: dict, path: str) -> None:
    """Write the scalars, sorted by name, and then the protocol."""
    from rcg.checkpoint import open_atomically
    Path(path).resolve().parent.mkdir(parents=True, exist_ok=True)
    with open_atomically(path) as file:
        file.write((json.dumps(metrics, indent=1) + '\n').encode())


def main() -> None:
    args = parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    if os.environ.get('RANK', os.environ.get('SLURM_PROCID', '0')) == '0':
        print(f'test {args.config} {args.checkpoint}', flush=True)
    from _cli import friendly_errors

    with friendly_errors(args.debug, 'the same command goes on'):
        from mmengine.dist import is_main_process

        from rcg.apis.test_config import adapt
        from rcg.engine import load_config
        from rcg.engine.hooks.resumable_test import ResumableTestHook
        from rcg.engine.hooks.save_images import SaveImagesHook
        from rcg.evaluation.protocol import describe_test
        from rcg.evaluation.table import show
        from rcg.registry import RUNNERS

        cfg = load_config(args.config, args.cfg_options)
        adapt(cfg, args)
        runner = RUNNERS.build(cfg)
        state = ResumableTestHook(args.save_every, args.restart)
        runner.register_hook(state)
        if args.save_images:
            runner.register_hook(SaveImagesHook(args.save_images))
        runner.load_checkpoint(args.checkpoint, strict=True)
        scores = runner.test()
        if is_main_process():
            metrics = {name: value for name, value in sorted(scores.items())
                       if isinstance(value, (int, float))}
            metrics['protocol'] = describe_test(
                runner, state.generated, state.spent)
            show(metrics)
            if args.out:
                write(metrics, args.out)
        state.clear()


if __name__ == '__main__':
    main()
