"""A first look at a folder of images: what fit() decides by."""
import dataclasses
import os
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from rcg.datasets.folders import (
    allowed_bad,
    folder_classes,
    list_images,
)
from rcg.datasets.held_out import content_hashes
from rcg.datasets.reading import EXTENSIONS, UNREADABLE, open_image, read_image
from rcg.evaluation.functional.color import HUES, hue_bins

EXTREME = 4  # ratio of the sides from which on a crop loses most of an image
# Images that are probed, and the side in pixels at which they are.
PROBED, PROBE = 400, 16
# Colors matter if this share of all pixels has another hue than the commonest.
COLORFUL = .01
FEWEST = 4


@dataclasses.dataclass
class Look:
    """What is in a folder.

    Attributes:
        count: Number of images that can be read.
        sides: Their shorter sides, in pixels.
        bad: Files that cannot be read, and why.
        sentences: What people should know.
        classes: Number of class folders; None if there are no labels.
        keep_colors: Whether colors tell the images apart.
        flip: Whether mirrored images are as good.
        read_seconds: Of one image, with all its checks.
    """
    count: int
    sides: list[int]
    bad: dict[str, str]
    sentences: list[str]
    classes: int | None
    keep_colors: bool
    flip: bool
    read_seconds: float


def look(folder: str, size: int | None = None) -> Look:
    """Read every image of a folder once.

    Args:
        folder: Flat or nested.
        size: Of the model's images; to count those that are smaller.

    Raises:
        FileNotFoundError: There is no such folder, or no image in it.
        ValueError: Too many of them are bad, or too few are different.
    """
    paths, begun = list_images(folder), time.monotonic()
    bad, facts, small = {}, [], []
    probed = {i * len(paths) // PROBED for i in range(PROBED)}
    for number, path in enumerate(paths):
        try:
            fact, image = _read(os.path.join(folder, path))
        except UNREADABLE as error:
            bad[path] = str(error)
            continue
        facts.append(fact)
        if number in probed or len(paths) <= PROBED:
            small.append(_shrunk(image))
    seconds = (time.monotonic() - begun) / len(paths)
    copies = _copies(folder, paths)
    _check(folder, len(paths), bad, len(facts) - copies)
    found = folder_classes(paths)
    probe = torch.stack(small)
    keep_colors, why_colors = colors_matter(probe)
    flip, why_flip = mirrored_is_as_good(probe)
    return Look(
        len(facts), [min(fact['size']) for fact in facts], bad,
        [*_sentences(folder, paths, facts, bad, copies, size),
         _of_classes(found), why_colors, why_flip],
        None if found is None else len(found[1]), keep_colors, flip, seconds)


def _check(folder: str, count: int, bad: dict[str, str],
           different: int) -> None:
    """Refuse folders that cannot be trained on."""
    if different < FEWEST:
        raise ValueError(
            f"'{folder}' has {different} different images that can be read; "
            f'{FEWEST} are needed, two of them to compare with.')
    if len(bad) > allowed_bad(count):
        named = '; '.join(f"'{path}' ({why})" for path, why in
                          list(bad.items())[:10])
        raise ValueError(
            f"{len(bad)} of the {count} images in '{folder}' cannot be read; "
            f'{allowed_bad(count)} may be bad: {named}. Repair or remove '
            'them; tools/check_dataset.py lists all.')


def _read(path: str) -> tuple[dict, np.ndarray]:
    """Facts about an image, and its pixels."""
    with open_image(path) as image:
        mode, frames = image.mode, getattr(image, 'n_frames', 1)
        transparent = False
        if 'transparency' in image.info or 'A' in mode:
            alpha = image.convert('RGBA').getchannel('A')
            transparent = alpha.getextrema()[0] < 255
    pixels = read_image(path)
    return dict(mode=mode, frames=frames, transparent=transparent,
                size=pixels.shape[:2]), pixels


def _shrunk(image: np.ndarray) -> Tensor:
    """The central square at the size of probes, (3, PROBE, PROBE) uint8."""
    side = min(image.shape[:2])
    top, left = ((length - side) // 2 for length in image.shape[:2])
    square = Image.fromarray(image[top:top + side, left:left + side])
    return torch.from_numpy(np.array(square.resize(
        (PROBE, PROBE), Image.BOX))).permute(2, 0, 1)


def _copies(folder: str, paths: Sequence[str]) -> int:
    """How many files are exact copies of others."""
    known = [code for code in content_hashes(folder, paths) if code]
    return len(known) - len(set(known))


def colors_matter(images: Tensor) -> tuple[bool, str]:
    """Whether hues tell images (N, 3, H, W) uint8 apart, and why."""
    bins = hue_bins(images)
    counts = torch.bincount(bins.flatten() + 1, minlength=len(HUES) + 1)[1:]
    others = (counts.sum() - counts.max()).item() / bins.numel()
    if others < COLORFUL:
        return False, (
            f'Colors: {others:.1%} of the pixels have another hue than the '
            'commonest, so the encoder may change colors.')
    return True, (
        f'Colors matter: {others:.1%} of the pixels have another hue than '
        'the commonest. The encoder keeps them.')


def mirrored_is_as_good(images: Tensor) -> tuple[bool, str]:
    """Whether mirrored images (N, 3, H, W) are as good, and why.

    The mean image of a symmetric distribution is symmetric. Its asymmetry is
    compared with that which chance gives as many images: each mirrored or not
    at random.
    """
    x = images.float().mean(1)
    odd = (x - x.flip(2)) / 2  # what mirroring changes the sign of
    measured = odd.mean(0).square().sum().item()
    by_chance = odd.square().mean(0).sum().item() / len(x)
    ratio = measured / max(by_chance, 1e-9)
    # By chance the ratio is 1 on average; few images say little.
    if ratio > 2 or len(x) < 30:
        return False, (f'Left and right differ ({ratio:.1f} times what chance '
                       'gives): images are not mirrored.')
    return True, (f'Left and right are alike ({ratio:.1f} times what chance '
                  'gives): the encoder may mirror images.')


def _of_classes(found: tuple | None) -> str:
    if found is None:
        return ('No labels: these need each image in one of several class '
                'folders.')
    return f'{len(found[1])} class folders.'


def _sentences(folder: str, paths: Sequence[str], facts: list[dict],
               bad: dict[str, str], copies: int,
               size: int | None) -> list[str]:
    """What people should know of the files."""
    sides = sorted(min(fact['size']) for fact in facts)
    found = [f'{len(facts):,} images, shorter side {sides[0]} to {sides[-1]} '
             f'pixels, half of them {sides[len(sides) // 2]} or more.']
    if bad:
        named = '; '.join(f"'{path}' ({why})" for path, why in
                          list(bad.items())[:3])
        found.append(f'{len(bad)} cannot be read and are left out: {named}.')
    others = _left_out(folder)
    if others:
        found.append('Left out by their ending: ' + ', '.join(
            f'{count} {ending}' for ending, count in others.most_common(8))
            + '.')
    counts = {
        'smaller than the model, enlarged': sum(
            side < (size or 0) for side in sides),
        f'at least {EXTREME} times as long as wide, of which the crop loses '
        'most': sum(max(fact['size']) >= EXTREME * min(fact['size'])
                    for fact in facts),
        'transparent, shown over white': sum(
            fact['transparent'] for fact in facts),
        'animated or of several pages, of which the first is taken': sum(
            fact['frames'] > 1 for fact in facts),
        'of 16 bits, of which the upper 8 are kept': sum(
            fact['mode'].startswith('I') for fact in facts),
        'exact copies of others': copies}
    found += [f'{count} are {what}.' for what, count in counts.items()
              if count]
    return found


def _left_out(folder: str) -> Counter:
    """Endings of the files that are no images, hidden ones too."""
    endings = Counter()
    for root, _, files in os.walk(folder, followlinks=False):
        for name in files:
            if name[0] == '.' or not name.lower().endswith(EXTENSIONS):
                ending = 'hidden' if name[0] == '.' else (
                    Path(name).suffix.lower() or 'without ending')
                endings[ending] += 1
    return endings
