"""Run stored numbers of the published code through this package.

    python tools/verify_reference.py PACK [--out FILE.json]
                                     [--only GLOB ...] [--skip GLOB ...]
                                     [--device cuda]

PACK is a folder with cases/<case>/, or the cases folder itself. Each case's
weights go through the converters into models that are built from its
config.json; one line for each tensor says how far ours is from the stored
one. Exit status 1 if a tensor is out of tolerance or was not looked at, or a
case failed. Errors are relative to each number where the tolerance is
("rel"), else to the largest of the tensor.
"""
import argparse
import fnmatch
import json
import sys


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('pack', help='folder of the reference pack')
    parser.add_argument('--out', metavar='FILE.json',
                        help='write all results there')
    parser.add_argument('--only', nargs='+', metavar='GLOB', default=['*'],
                        help='run these cases')
    parser.add_argument('--skip', nargs='+', metavar='GLOB', default=[],
                        help='leave these cases out')
    parser.add_argument('--device', default='cpu',
                        help='cpu, cuda, ... (without TF32)')
    parser.add_argument('--debug', action='store_true',
                        help='show the traceback of errors')
    return parser.parse_args(args)


def matches(name: str, globs: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, glob) for glob in globs)


def show(outcome) -> None:
    """One line for each tensor, one for the case, one for each fault."""
    for row in outcome.tensors:
        print(f'{outcome.case:<20} {row.tensor:<50} abs {row.max_abs:8.2e}  '
              f'rel {row.max_rel:8.2e}  allowed {row.tolerance:<16} '
              f'{"pass" if row.passed else "FAIL"}')
    counts = ''
    if outcome.status != 'skipped':
        used = sum(fate == 'used' for fate in outcome.weights.values())
        counts = (f'{len(outcome.tensors)} compared, {len(outcome.inputs)} '
                  f'inputs; weights: {used} used, '
                  f'{len(outcome.weights) - used} ignored; '
                  f'{outcome.seconds} s')
    print(f'== {outcome.case}: {outcome.status.upper()} {counts}'
          + ''.join(f'\n   {reason}' for reason in outcome.reasons),
          flush=True)


def run(args: argparse.Namespace) -> int:
    import torch

    from rcg.precision import set_float32
    from rcg.verification.parity import pack
    if args.device != 'cpu':
        torch.set_default_device(args.device)
        set_float32('highest')
    outcomes = []
    for folder in pack.find_cases(args.pack):
        if not matches(folder.name, args.only):
            outcome = pack.Outcome(folder.name, 'skipped', ['not in --only'])
        elif matches(folder.name, args.skip):
            outcome = pack.Outcome(folder.name, 'skipped', ['--skip'])
        else:
            outcome = pack.verify(folder)
        show(outcome)
        outcomes.append(outcome)
    names = {status: [o.case for o in outcomes if o.status == status]
             for status in ('passed', 'failed', 'skipped')}
    print('\n' + '\n'.join(f'{len(cases)} {status}: {" ".join(cases)}'
                           for status, cases in names.items() if cases))
    if args.out:
        with open(args.out, 'w') as file:
            json.dump(dict(pack=args.pack, passed=not names['failed'],
                           cases=[o.as_dict() for o in outcomes]),
                      file, indent=1)
    if not names['passed'] and not names['failed']:
        raise ValueError('no case was run; --only and --skip leave none.')
    return int(bool(names['failed']))


def main() -> None:
    args = parse_args()
    from _cli import friendly_errors

    with friendly_errors(args.debug):
        sys.exit(run(args))


if __name__ == '__main__':
    main()
