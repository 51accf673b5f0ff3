"""Score the images of any generator.

    python tools/evaluate_images.py IMAGES --reference REAL [NAME=REAL ...]
                                    [--metrics fid is ...] [--out FILE]

IMAGES is a folder of PNG files, in any nesting, or an npz file in ADM's
format (arr_0, uint8, (N, H, W, 3)). REAL is such a folder or file, or an npz
file of statistics (mu and sigma, as ADM and others publish them; others:
tools/reference_statistics.py). Several are compared with in one pass; NAME
(by default that of the file) stands before the results. With Inception the
scores are those of torch-fidelity. On several processes:
torchrun --nproc_per_node 8 tools/evaluate_images.py ... --launcher pytorch
"""
import argparse
import json
import sys
import time
from pathlib import Path


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('images', help='folder or npz file to be scored')
    parser.add_argument('--reference', nargs='+', metavar='[NAME=]REAL',
                        default=[], help='real images, or their statistics')
    parser.add_argument(
        '--metrics', nargs='+', default=['fid', 'is'],
        choices=('fid', 'sfid', 'is', 'kid', 'prc', 'dc'),
        help='prc: precision, recall; dc: density, coverage; default: fid is')
    parser.add_argument('--extractor', default='inception',
                        help='inception, dinov2, clip, or a config with '
                        'extractor = dict(...)')
    parser.add_argument('--weights', metavar='FILE', help='of the extractor')
    parser.add_argument('--kid-subset-size', type=int, default=1000)
    parser.add_argument('--out', metavar='FILE', help='write scores there')
    parser.add_argument('--batch-size', type=int, default=64)
    parser.add_argument('--num-workers', type=int,
                        help='processes that read; default: all cores')
    parser.add_argument('--device', help='cuda, cpu, ...')
    parser.add_argument('--launcher', default='none',
                        choices=('none', 'pytorch', 'slurm'))
    parser.add_argument('--debug', action='store_true',
                        help='show the traceback of errors')
    return parser.parse_args(args)


def look(args: argparse.Namespace):
    """The images and the references; the first process looks for all."""
    from mmengine.dist import broadcast_object_list, is_main_process

    from rcg.datasets.image_files import inspect_images
    from rcg.evaluation.references.command_line import (
        inspect_reference,
        places_by_name,
    )
    found = [None, None]
    if is_main_process():
        try:
            images = inspect_images(args.images, args.num_workers)
            found = [images, {
                name: inspect_reference(place, images.size, args.num_workers)
                for name, place in places_by_name(args.reference).items()}]
        except (ValueError, OSError) as error:
            found = [error, None]
    broadcast_object_list(found)
    if isinstance(found[0], Exception):
        raise found[0]
    return found


def announce(images) -> None:
    for how, count in images.converted.items():
        print(f'{count} of {images.count} images were not plain RGB: {how}')
    if images.lossy:
        print(f'warning: {images.lossy} of {images.count} images are JPEG '
              'files, whose artifacts the metrics see: never publish a '
              'number of JPEG files. Write PNG.', file=sys.stderr)


def write(scores: dict, protocol: dict, out: str | None) -> None:
    """Print the scores and their protocol; write both."""
    from rcg.checkpoint import open_atomically
    for name, value in scores.items():
        print(f'{name:32}{value:.6g}')
    print(json.dumps(protocol, indent=1))
    if out:
        Path(out).resolve().parent.mkdir(parents=True, exist_ok=True)
        with open_atomically(out) as file:
            content = {**scores, 'protocol': protocol}
            file.write((json.dumps(content, indent=1) + '\n').encode())


def run(args: argparse.Namespace) -> None:
    import torch
    from mmengine.dist import get_world_size, is_main_process
    from mmengine.registry import init_default_scope

    from rcg.apis import score_images as scoring
    from rcg.engine.distributed import start_processes, usable_cores
    from rcg.evaluation.protocol import versions
    from rcg.registry import DATASETS
    init_default_scope('rcg')
    if args.num_workers is None:
        args.num_workers = usable_cores()
    if args.launcher != 'none':
        start_processes(args.launcher)
    images, references = look(args)
    if is_main_process():
        announce(images)
    device = torch.device(args.device or (
        'cuda' if torch.cuda.is_available() else 'cpu'))
    extractor = scoring.extractor_config(args.extractor, args.weights)
    metrics = scoring.build_metrics(args.metrics, extractor, images.count,
                                    references, args.kid_subset_size)
    scoring.check_outputs(args.metrics, extractor, images.dataset)
    start = time.monotonic()
    scores = scoring.score(images.dataset, metrics, args.batch_size,
                           args.num_workers, device)
    if is_main_process():
        dataset, seconds = DATASETS.build(images.dataset), (
            time.monotonic() - start)
        write(scores, dict(
            samples=dict(place=args.images, type=type(dataset).__name__,
                         count=images.count, sha256=dataset.fingerprint(),
                         image_size=images.size, converted=images.converted,
                         jpeg_files=images.lossy),
            metrics=[dict(results=list(metric.names), **metric.describe())
                     for metric in metrics],
            versions=versions(),
            run=dict(device=str(device), processes=get_world_size(),
                     seconds=seconds,
                     images_per_second=images.count / seconds)), args.out)


def main() -> None:
    args = parse_args()
    from _cli import friendly_errors

    with friendly_errors(args.debug):
        run(args)


if __name__ == '__main__':
    main()
