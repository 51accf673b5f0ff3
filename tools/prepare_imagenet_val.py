"""Make the published evaluation images of the ImageNet validation set.

    python tools/prepare_imagenet_val.py data/imagenet/val data/imagenet_val

SRC holds the 50,000 files, flat or one folder a class; DST gets a PNG of
256x256 for each, under its own name: shorter side to 256 with a bilinear
filter, centre crop, as RCG's evaluation did. FID against them is not FID
against the training set. Started again, it goes on where it was.
"""
import argparse
import functools
import json
import os
import sys
from collections import Counter
from pathlib import Path

NUM_IMAGES, NUM_CLASSES = 50_000, 1000


def parse_args(args: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('src', help='folder of the validation images')
    parser.add_argument('dst', help='folder of the PNG files')
    parser.add_argument('--size', type=int, default=256)
    parser.add_argument('--resize', default='bilinear',
                        choices=('bilinear', 'bicubic', 'lanczos'),
                        help='the published images are bilinear')
    parser.add_argument('--num-images', type=int, default=NUM_IMAGES,
                        help='how many there must be; with another number '
                        'than 50,000, classes are not counted')
    parser.add_argument('--workers', type=int, default=os.cpu_count())
    parser.add_argument('--debug', action='store_true',
                        help='show the traceback of errors')
    return parser.parse_args(args)


def find_images(src: str, num_images: int) -> list[str]:
    """Paths of the images, sorted by the names of their PNG files.

    Raises:
        ValueError: The number of images or classes is wrong, or two files
            have one name.
    """
    from rcg.datasets.folders import folder_classes, list_images
    paths = list_images(src)
    if len(paths) != num_images:
        raise ValueError(f"'{src}' must hold {num_images} images, got "
                         f'{len(paths)}. Is it the validation set, unpacked '
                         'to the end? (--num-images for other data)')
    classes = folder_classes(paths)
    if classes and num_images == NUM_IMAGES:
        sizes = Counter(classes[0])
        wrong = [classes[1][i] for i in sizes if sizes[i] != 50]
        if len(sizes) != NUM_CLASSES or wrong:
            raise ValueError(
                f"'{src}' must hold {NUM_CLASSES} class folders of 50 images, "
                f'got {len(sizes)} folders; with another number of images: '
                f'{len(wrong)} {wrong[:5]}.')
    names = Counter(Path(path).stem for path in paths)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise ValueError(f'{len(twice)} names occur more than once, such as '
                         f'{twice[:3]}; the files of DST could not be told '
                         'apart.')
    return sorted((os.path.join(src, path) for path in paths),
                  key=lambda path: Path(path).stem)


def target(path: str, dst: Path) -> Path:
    return dst / f'{Path(path).stem}.png'


def check_settings(dst: Path, settings: dict) -> None:
    """Remember in DST how its files are made; refuse to mix.

    Raises:
        ValueError: They were made in another way, or by nobody knows whom.
    """
    from rcg.checkpoint import open_atomically
    dst.mkdir(parents=True, exist_ok=True)
    path = dst / 'prepared.json'
    if path.exists():
        before = json.loads(path.read_text())
        if before != settings:
            raise ValueError(f"'{path}' says that the files there were made "
                             f'with {before}, not {settings}; take another '
                             'folder, or empty this one.')
    elif any(dst.glob('*.png')):
        raise ValueError(f"'{dst}' holds PNG files that this tool did not "
                         'make; take another folder, or empty this one.')
    with open_atomically(path) as file:
        file.write(json.dumps(settings, indent=1).encode())


def prepare(path: str, dst: Path, size: int, resize: str) -> str | None:
    """Write one file; return what is wrong with its source, if anything."""
    from PIL import Image

    from rcg.datasets import CenterCrop, Resize
    from rcg.datasets.reading import UNREADABLE, read_image
    try:
        # As stored: the published script knows no EXIF either.
        pixels = read_image(path, upright=False)
    except UNREADABLE as error:
        return f'{type(error).__name__}: {error}'
    pixels = CenterCrop(size).apply(Resize(size, resize).apply(pixels, None),
                                    None)
    done = target(path, dst)
    part = done.with_name(f'.{done.name}.part')  # overwritten when resumed
    Image.fromarray(pixels).save(part, 'png')
    part.replace(done)
    return None


def run(args: argparse.Namespace) -> int:
    from rcg.datasets.map_files import map_files
    dst = Path(args.dst)
    files = find_images(args.src, args.num_images)
    check_settings(dst, dict(size=args.size, resize=args.resize,
                             num_images=args.num_images))
    todo = [path for path in files if not target(path, dst).exists()]
    print(f'{len(files) - len(todo)} of {len(files)} were made before',
          flush=True)
    work = functools.partial(prepare, dst=dst, size=args.size,
                             resize=args.resize)
    bad = 0
    for path, error in map_files(work, todo, args.workers):
        if error:
            bad += 1
            print(f"'{path}' cannot be read ({error})", file=sys.stderr,
                  flush=True)
    print(f'{len(files) - bad} of {len(files)} files are in {dst}')
    return int(bool(bad))


def main() -> None:
    args = parse_args()
    from _cli import friendly_errors

    with friendly_errors(args.debug, 'the same command goes on from here'):
        sys.exit(run(args))


if __name__ == '__main__':
    main()
