"""Score a generator at several guidance scales, temperatures, step counts.

    python tools/sweep.py CONFIG CHECKPOINT --guidance 0 1 3 5 6 7
        [--temperature T ...] [--steps N ...] [--rdm-steps N ...] [--out DIR]

Two scales of guidance are in use. --guidance is that of the paper's tables
and of MAGE's published code (tau, cfg): off at 0. --guidance-scale is that
of our configs (model.generator.guidance_scale, w): off at 1, always one more.
So `--guidance 0 1 6` and `--guidance-scale 1 2 7` are the same; the table
shows both.

Every combination is scored with the config's test_evaluator, on the same
seeds and the same representations, which the RDM draws once for each number
of its own steps. The images of a setting are those that tools/test.py would
make. DIR (by default, sweep in the work folder) gets sweep.json, sweep.png and
the representations; the same command goes on where it was stopped, also with
more settings. Fewer images:
--cfg-options test_dataloader.dataset.num_images=5000. On several GPUs:
torchrun --nproc_per_node 8 tools/sweep.py ... --launcher pytorch.
"""
import argparse

from _cli import add_shared, announce, friendly_errors, make_parser


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = make_parser(__doc__, allow_abbrev=False)
    add_shared(parser, 'config', 'checkpoint')
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
    parser.add_argument('--rdm-steps', nargs='+', type=int, metavar='N',
                        help="numbers of the RDM's, as in the paper's table 8")
    parser.add_argument('--out', metavar='DIR', help='where results go')
    add_shared(parser, 'work_dir', 'cfg_options', 'launcher', 'debug')
    return parser.parse_args(args)


def run(args: argparse.Namespace) -> None:
    from mmengine.dist import is_main_process

    from rcg.apis.sweep import sweep
    from rcg.apis.sweep.report import table
    from rcg.apis.sweep.settings import guidance_scales
    done = sweep(
        args.config, args.checkpoint, guidance_scale=guidance_scales(
            args.guidance, args.guidance_scale),
        temperature=args.temperature, num_steps=args.steps,
        rdm_steps=args.rdm_steps, out=args.out,
        work_dir=args.work_dir, options=args.cfg_options,
        launcher=args.launcher)
    if is_main_process():
        print(f'{table(done.rows)}\n{done.path}, sweep.png')


def main() -> None:
    args = parse_args()
    announce(f'sweep {args.config} {args.checkpoint}')
    with friendly_errors(args.debug, 'the same command goes on'):
        run(args)


if __name__ == '__main__':
    main()
