"""Do scores of this machine agree with torch-fidelity's?

    python tools/verify_metrics.py [--device cuda]

It makes two sets of 256 images of 64x64 and random weights for Inception,
the same on every machine; scores one set against the other (FID, IS, KID,
precision, recall); and compares with what torch-fidelity gave for them. Exit
status 0 if all agree. Two to three minutes on two cores. The sets are small:
the warning that 256 samples say little about FID is right, and no fault.

Random weights take the same path as the released ones, which we never had, so
values for those are not stored. With --weights the comparison is with
torch-fidelity on this machine. To compare two machines:

    python tools/verify_metrics.py --weights FILE --record mine.json   # on one
    python tools/verify_metrics.py --weights FILE --expected mine.json
"""
import argparse
import json
import os
import sys
import tempfile
from pathlib import Path


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--weights', metavar='FILE', help="Inception's "
                        'released weights instead of random ones')
    other = parser.add_mutually_exclusive_group()
    other.add_argument('--record', metavar='FILE.json', help='score with '
                       'torch-fidelity alone, and write what it gives')
    other.add_argument('--expected', metavar='FILE.json', help='compare with '
                       'what --record wrote')
    parser.add_argument('--device', help='cuda, cpu, ...')
    parser.add_argument('--debug', action='store_true',
                        help='show the traceback of errors')
    return parser.parse_args(args)


def prepare(args: argparse.Namespace, folder: Path) -> tuple:
    """Weights, images, file of the reference; hashes of all of these."""
    import numpy as np
    import torch

    from rcg.checkpoint import file_sha256
    from rcg.verification.metrics import material
    fake, real = (material.image_set(number) for number in (0, 1))
    hashes = {'images': material.sha256([fake, real])}
    weights = args.weights and os.path.expanduser(args.weights)
    if weights is None:
        state, weights = material.random_weights(), str(folder / 'random.pth')
        hashes['weights'] = material.sha256(state.values())
        torch.save(state, weights)
    else:
        hashes['weights'] = file_sha256(weights)
    reference = str(folder / 'reference.npz')
    np.savez(reference, arr_0=real.permute(0, 2, 3, 1).numpy())
    return weights, fake, real, reference, hashes


def expectation(args: argparse.Namespace, hashes: dict) -> dict | None:
    """What --record wrote, for these images and these weights."""
    from rcg.verification.metrics import scores
    path = args.expected or (
        None if args.weights or args.record else scores.STORED)
    if path is None:
        return None
    stored = json.loads(Path(path).read_text())
    other = [name for name in hashes if stored['sha256'][name] != hashes[name]]
    if other:
        raise ValueError(
            f"'{path}' was made with other {' and '.join(other)}. "
            + ('Give the file that --record had.' if args.weights else
               'This machine does not compute integers as others do, or its '
               'files are damaged: please report it.'))
    return stored


def run(args: argparse.Namespace) -> bool:
    import torch
    from mmengine.registry import init_default_scope

    import rcg.datasets
    import rcg.evaluation  # noqa: F401  registers metrics
    from rcg.verification.metrics import scores
    init_default_scope('rcg')
    device = args.device or ('cuda' if torch.cuda.is_available() else 'cpu')
    with tempfile.TemporaryDirectory() as folder:
        # Features that an earlier run kept would not be tested.
        os.environ['RCG_CACHE'] = folder
        weights, fake, real, reference, hashes = prepare(args, Path(folder))
        stored = expectation(args, hashes)
        made_by = scores.versions(device)
        if stored is None:
            print('torch-fidelity scores the images', flush=True)
            stored = dict(made_by=made_by, sha256=hashes,
                          values=scores.theirs(weights, fake, real, device))
        if args.record:
            Path(args.record).write_text(json.dumps(stored, indent=1) + '\n')
            print(f'{args.record}: {stored["values"]}')
            return True
        found = scores.ours(weights, fake, reference, device)
    print(f'expected: {stored["made_by"]}\nhere:     {made_by}')
    lines, passed = scores.compare(found, stored['values'])
    print('\n'.join(lines))
    print('PASS: scores of this machine can be compared.' if passed else
          'FAIL: do not compare scores of this machine with others.')
    return passed


def main() -> None:
    args = parse_args()
    print('test of the metrics', flush=True)
    from _cli import friendly_errors

    with friendly_errors(args.debug):
        passed = run(args)
    sys.exit(0 if passed else 1)


if __name__ == '__main__':
    main()
