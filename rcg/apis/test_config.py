"""What a run that only tests takes from its config and command line."""
import argparse
from pathlib import Path


def adapt(cfg, args: argparse.Namespace) -> None:
    """Apply the command line to the config; drop what only trains."""
    cfg.launcher = args.launcher
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs') / Path(args.config).stem)
    if cfg.get('test_cfg') is None:
        raise ValueError(f"'{args.config}' has no test_cfg, test_dataloader "
                         'and test_evaluator: there is nothing to compute.')
    cfg.load_from, cfg.resume = None, False
    for key in ('train_cfg', 'train_dataloader', 'optim_wrapper',
                'param_scheduler', 'val_cfg', 'val_dataloader',
                'val_evaluator'):
        cfg[key] = None
