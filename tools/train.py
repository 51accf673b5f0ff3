"""Train what a config describes.

    python tools/train.py CONFIG [--work-dir DIR] [--resume [CHECKPOINT]]
                          [--amp] [--cfg-options KEY=VALUE ...]

On several processes: tools/dist_train.sh, tools/slurm_train.sh.
"""
import argparse
import os
from pathlib import Path


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--work-dir', help='where checkpoints and logs go; default: '
        'work_dir of the config, else work_dirs/<config name>')
    parser.add_argument(
        '--resume', nargs='?', const='auto', metavar='CHECKPOINT',
        help='go on where a run stopped: from its newest checkpoint in the '
        "work folder ('auto', the default), or from this file")
    parser.add_argument('--amp', action='store_true',
                        help='bfloat16 autocast, on a CPU as on a GPU')
    parser.add_argument('--cfg-options', nargs='+', metavar='KEY=VALUE',
                        default=[], help='override config entries: a.b=1')
    parser.add_argument('--launcher', default='none',
                        choices=('none', 'pytorch', 'slurm'))
    parser.add_argument('--local-rank', '--local_rank', type=int, default=0,
                        help='set by old launchers')
    parser.add_argument('--debug', action='store_true',
                        help='show the traceback of errors')
    return parser.parse_args(args)


def adapt(cfg, args: argparse.Namespace) -> None:
    """Apply the command line to the config."""
    cfg.launcher = args.launcher
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs') / Path(args.config).stem)
    if args.resume is not None:
        cfg.resume = True
        cfg.load_from = None if args.resume == 'auto' else args.resume
    if cfg.get('train_cfg') is None:
        raise ValueError(f"'{args.config}' has no train_cfg: there is "
                         'nothing to train.')
    if args.amp:
        use_amp(cfg.optim_wrapper)


def use_amp(cfg) -> None:
    """Switch one optimizer wrapper, or each of several, to bfloat16."""
    if 'optimizer' not in cfg:
        for value in cfg.values():
            if isinstance(value, dict):
                use_amp(value)
    elif cfg.get('type') != 'AmpOptimWrapper':  # float16: leave it
        cfg.type, cfg.dtype = 'AutocastOptimWrapper', 'bfloat16'


def main() -> None:
    args = parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    if os.environ.get('RANK', os.environ.get('SLURM_PROCID', '0')) == '0':
        print(f'train {args.config}', flush=True)  # imports take seconds
    from _cli import friendly_errors

    with friendly_errors(args.debug):
        from rcg.engine import load_config
        from rcg.registry import RUNNERS

        cfg = load_config(args.config, args.cfg_options)
        adapt(cfg, args)
        RUNNERS.build(cfg).train()


if __name__ == '__main__':
    main()
