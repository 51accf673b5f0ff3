"""Make or convert a file of reference statistics.

    python tools/reference_statistics.py REAL OUT [--extractor inception]
                                         [--spatial] [--features]

REAL is a folder of images of one size or an npz file of them (arr_0); or a
file of statistics to be converted: npz (ADM, EDM, pytorch-fid), .pkl (EDM2),
.pt (torch-fidelity's cache), .safetensors (ours). OUT is an npz file with mu
and sigma, which all of these read, a .pkl for EDM2 or a .pt for
torch-fidelity. An npz file of ours remembers which extractor made it.
"""
import argparse
from pathlib import Path


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('real', help='images, or a file of statistics')
    parser.add_argument('out', help='.npz, .pkl or .pt')
    parser.add_argument('--extractor', default='inception',
                        help='inception, dinov2, clip, or a config with '
                        'extractor = dict(...)')
    parser.add_argument('--weights', metavar='FILE', help='of the extractor')
    parser.add_argument('--spatial', action='store_true',
                        help='also mu_s and sigma_s, for sFID')
    parser.add_argument('--features', action='store_true',
                        help='also features, for precision, recall and KID')
    parser.add_argument('--section', default='fid',
                        help="of an EDM2 pickle: 'fid' or 'fd_dinov2'")
    parser.add_argument('--num-workers', type=int, default=0,
                        help='processes that look at files beforehand')
    parser.add_argument('--device', help='cuda, cpu, ...')
    parser.add_argument('--debug', action='store_true',
                        help='show the traceback of errors')
    return parser.parse_args(args)


def make(args: argparse.Namespace) -> tuple[dict, dict]:
    """Arrays by name and a description, from images."""
    import torch

    from rcg.apis.score_images import extractor_config
    from rcg.datasets.image_files import inspect_images
    from rcg.evaluation import DatasetReference, shared_extractor
    images = inspect_images(args.real, args.num_workers)
    extractor = shared_extractor(
        extractor_config(args.extractor, args.weights))
    device = torch.device(args.device or (
        'cuda' if torch.cuda.is_available() else 'cpu'))
    print(f'{images.count} images of {images.size[0]}x{images.size[1]}',
          flush=True)
    # All are known before the first is asked for: one pass serves all.
    features = DatasetReference(images.dataset, extractor)
    if args.features:
        rows = DatasetReference(images.dataset, extractor, rows=True)
    if args.spatial:
        spatial = DatasetReference(images.dataset, extractor, 'spatial')
    found = dict(zip(('mu', 'sigma'), features.moments(device), strict=True))
    if args.features:
        found['features'] = rows.features(device)
    if args.spatial:
        found.update(zip(('mu_s', 'sigma_s'), spatial.moments(device),
                         strict=True))
    about = features.describe() | dict(
        extractor=extractor.describe(), image_size=images.size,
        converted=images.converted, jpeg_files=images.lossy)
    return {name: value.numpy() for name, value in found.items()}, about


def run(args: argparse.Namespace) -> None:
    from mmengine.registry import init_default_scope

    from rcg.checkpoint import file_sha256
    from rcg.evaluation.references import statistics_formats
    from rcg.evaluation.references.command_line import describe_npz
    init_default_scope('rcg')
    names = (describe_npz(args.real)[0]
             if args.real.endswith('.npz') and Path(args.real).is_file()
             else ['arr_0'] if Path(args.real).is_dir() else [])
    if 'arr_0' in names and 'mu' not in names:
        arrays, about = make(args)
    else:
        arrays, about = statistics_formats.read(args.real, args.section)
        about = about | dict(source=Path(args.real).name,
                             source_sha256=file_sha256(args.real))
    Path(args.out).resolve().parent.mkdir(parents=True, exist_ok=True)
    statistics_formats.write(args.out, arrays, about, args.section)
    print(f'{args.out}: ' + ', '.join(
        f'{name} {value.shape}' for name, value in arrays.items()))


def main() -> None:
    args = parse_args()
    from _cli import friendly_errors

    with friendly_errors(args.debug):
        run(args)


if __name__ == '__main__':
    main()
