"""Train and score configs over several seeds, and compare them in a table.

    python -m rcg.projects.comparison configs/digits/dit.py
        configs/digits/dit_uncond.py [--seeds 3]
        [--train optim_wrapper.optimizer.lr 4e-3 8e-3]
        [--test model.generator.sampler.num_steps 5 10 20 50]
        [--jobs 2] [--work-dir DIR]

What a config reads of its work folder (encoder, tokenizer, RDM, classifier)
is trained first, once for all. Each stage is a call of a command of tools/
that is printed and can be copied. Interrupted and started again, it goes on,
and so it does with more configs, seeds or values. After each seed the table
and results.json are written anew.
"""
import argparse
import sys
from pathlib import Path


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        'configs', nargs='+', metavar='CONFIG', help='with work_dir = '
        "f'{_base_._root}/NAME', as those of configs/digits; CONFIG@NAME "
        'scores it with the weights that NAME.py trains')
    for name, what in (('train', 'training'), ('test', 'scoring')):
        parser.add_argument(
            f'--{name}', nargs='+', action='append', default=[],
            metavar='WORD', help=f'key and values of an option of {what}; '
            'several times: all combinations')
    parser.add_argument('--seeds', type=count, default=3, metavar='N')
    parser.add_argument('--jobs', type=count, default=2, metavar='N',
                        help='stages at a time (default: %(default)s)')
    parser.add_argument('--work-dir', default='work_dirs/comparison')
    parsed = parser.parse_args(args)
    for name in 'train', 'test':
        setattr(parsed, name, _options(parser, name, getattr(parsed, name)))
    return parsed


def count(text: str) -> int:
    """The type of an argument that is a number of things."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(
            f"wanted a whole number of at least 1, got '{text}'")
    return int(text)


def _options(parser: argparse.ArgumentParser, name: str,
             given: list[list[str]]) -> dict[str, list[str]]:
    for key, *values in given:
        if not values or '=' in key:
            parser.error(f'--{name} takes a key and values, such as '
                         f'--{name} a.b 1 2, got {" ".join([key, *values])}')
    return {key: list(dict.fromkeys(values)) for key, *values in given}


def main() -> None:
    args = parse_args()
    for stream in sys.stdout, sys.stderr:  # names of files may be any bytes
        stream.reconfigure(errors='backslashreplace')
    print('comparison: loading PyTorch', flush=True)
    from rcg.apis.stages import run_or_exit
    from rcg.projects.comparison.plan import Plan
    from rcg.projects.comparison.report import report

    try:
        plan = Plan(args.configs, args.train, args.test)
    except (ValueError, FileNotFoundError) as error:
        sys.exit(str(error))
    folder, roots = Path(args.work_dir), []
    for seed in range(args.seeds):
        roots.append(folder / f'seed_{seed}')
        run_or_exit(roots[-1], plan.commands(seed), args.jobs)
        report(folder, roots, plan)


if __name__ == '__main__':
    main()
