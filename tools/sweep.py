"""Score a generator at several guidance scales, temperatures, step counts.

    python tools/sweep.py CONFIG CHECKPOINT --guidance 0 1 3 5 6 7
                          [--temperature T ...] [--steps N ...] [--out DIR]

Two scales of guidance are in use. --guidance is that of the paper's tables
and of MAGE's published code (tau, cfg): off at 0. --guidance-scale is that
of our configs (model.generator.guidance_scale, w): off at 1, always one more.
So `--guidance 0 1 6` and `--guidance-scale 1 2 7` are the same; the table
shows both.

Every combination is scored with the config's test_evaluator, on the same
seeds and the same representations, which the RDM draws once. The images of a
setting are those that tools/test.py would make. DIR (by default, sweep in
the work folder) gets sweep.json, sweep.png and the representations; the same
command goes on where it was stopped, also with more settings. Fewer images:
--cfg-options test_dataloader.dataset.num_images=5000. On several GPUs:
torchrun --nproc_per_node 8 tools/sweep.py ... --launcher pytorch.
"""
import argparse
import os
from pathlib import Path


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file or work folder')
    scale = parser.add_mutually_exclusive_group()
    scale.add_argument(
        '--guidance', nargs='+', type=float, metavar='TAU',
        help="as in the paper's tables: 0 is off; guidance_scale is 1 more")
    scale.add_argument(
        '--guidance-scale', nargs='+', type=float, metavar='W',
        help='as in our configs: 1 is off; 0 is refused')
    parser.add_argument('--temperature', nargs='+', type=float, metavar='T',
                        help="the generator's choice temperatures")
    parser.add_argument('--steps', nargs='+', type=int, metavar='N',
                        help="numbers of the generator's sampling steps")
    parser.add_argument('--out', metavar='DIR', help='where results go')
    parser.add_argument(
        '--work-dir', help='where logs go; default: work_dir of the config, '
        'else work_dirs/<config name>')
    parser.add_argument('--cfg-options', nargs='+', metavar='KEY=VALUE',
                        default=[], help='override config entries: a.b=1')
    parser.add_argument('--launcher', default='none',
                        choices=('none', 'pytorch', 'slurm'))
    parser.add_argument('--debug', action='store_true',
                        help='show the traceback of errors')
    return parser.parse_args(args)


def score(runner, setting: dict, state) -> dict:
    """Metrics of all images at one setting, and their protocol."""
    from rcg.apis.sweep import report, settings
    from rcg.engine import log
    from rcg.evaluation.protocol import describe_test
    settings.apply(runner, setting)
    log(runner, f'sweep: {report.describe(setting)}')
    metrics = {name: value for name, value in sorted(runner.test().items())
               if isinstance(value, (int, float))}
    return dict(setting=setting, metrics=metrics, protocol=describe_test(
        runner, state.generated, state.spent))


def run(args: argparse.Namespace) -> list[dict]:
    from mmengine.dist import get_rank, is_main_process

    from rcg.apis.sweep import records, report, settings
    from rcg.apis.sweep.representations import RememberingRdm
    from rcg.engine import bare_model, load_config
    from rcg.engine.hooks.resumable_test import ResumableTestHook
    wanted = dict(guidance_scale=settings.guidance_scales(
        args.guidance, args.guidance_scale), temperature=args.temperature,
        num_steps=args.steps)
    runner = settings.build(load_config(args.config, args.cfg_options), args)
    model = bare_model(runner)
    todo = settings.combinations(model.generator, wanted)
    runner.load_checkpoint(args.checkpoint, strict=True)
    out = Path(args.out or Path(runner.work_dir) / 'sweep')
    about = records.identity(runner, args.checkpoint, list(wanted))
    done = records.Records(out, about)
    if getattr(model, 'rdm', None) is not None:
        model.rdm = RememberingRdm(model.rdm, out, about, get_rank())
    state = ResumableTestHook()
    runner.register_hook(state)
    for setting in todo:
        if setting in done:
            continue
        done.add(score(runner, setting, state))
        if getattr(model, 'rdm', None) is not None:
            model.rdm.save()
        if is_main_process():
            done.write()
        state.clear()
    if is_main_process():
        report.draw(done.rows, out / 'sweep.png')
        print(f'{report.table(done.rows)}\n{done.path}, sweep.png')
    return done.rows


def main() -> None:
    args = parse_args()
    if os.environ.get('RANK', os.environ.get('SLURM_PROCID', '0')) == '0':
        print(f'sweep {args.config} {args.checkpoint}', flush=True)
    from _cli import friendly_errors

    with friendly_errors(args.debug, 'the same command goes on'):
        run(args)


if __name__ == '__main__':
    main()
