"""A first look at a folder of images: what fit() decides by."""
import dataclasses
import os

import torch
from torch import Tensor

from rcg.apis.bit_depth import about_bits, common_bits, deep_files
from rcg.apis.folder_facts import (
    about_classes,
    about_files,
    count_different,
)
from rcg.datasets.folders import allowed_bad, list_images
from rcg.datasets.held_out import remember_hashes
from rcg.datasets.reading import DEPTHS, read_image
from rcg.datasets.remembered import cache_file, stamp_of
from rcg.datasets.survey import Facts, pixels_of, probe_of, survey
from rcg.engine.distributed import usable_cores
from rcg.evaluation.functional.color import HUES, hue_bins
from rcg.spread import evenly_spread

PROBED = 400  # images that are probed, about
# Each takes up to 650 MB for an image while it is decoded.
MOST_WORKERS = 8
WORTH_A_WORKER = 200  # images
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
        bits: As which to read gray files of 16 bits.
        read_seconds: Of one image in one process, with all its checks.
    """
    count: int
    sides: list[int]
    bad: dict[str, str]
    sentences: list[str]
    classes: int | None
    keep_colors: bool
    flip: bool
    bits: int
    read_seconds: float


def look(folder: str, size: int | None = None) -> Look:
    """Read every image of a folder once; see :func:`survey`.

    What was found is remembered below ``~/.cache/rcg``: of an unchanged folder
    no file is opened.

    Args:
        folder: Flat or nested.
        size: Of the model's images; to count those that are smaller.

    Raises:
        FileNotFoundError: There is no such folder, or no image in it.
        ValueError: Too many of them are bad, or too few are different.
    """
    paths = list_images(folder)
    found = _surveyed(folder, paths)
    bad = {path: facts.error for path, facts in found.items() if facts.error}
    good = [facts for facts in found.values() if not facts.error]
    _check(folder, len(paths), bad, count_different(good))
    deep = deep_files(found)
    probe = _probes(folder, found, common_bits(deep))
    keep_colors, why_colors = colors_matter(probe)
    flip, why_flip = mirrored_is_as_good(probe)
    classes, why_classes = about_classes(paths)
    return Look(
        len(good), [min(facts.height, facts.width) for facts in good], bad,
        [*about_files(folder, good, size), *about_bits(deep),
         *_about_bad(bad), why_classes, why_colors, why_flip], classes,
        keep_colors, flip, common_bits(deep),
        sum(facts.seconds for facts in good) / len(good))


def _surveyed(folder: str, paths: list[str]) -> dict[str, Facts]:
    """Facts by path; also their hashes for the stages to come."""
    count = len(paths)
    probed = {paths[i] for i in evenly_spread(count, PROBED)}
    stamps = [stamp_of(os.path.join(folder, path)) for path in paths]
    workers = min(usable_cores(), MOST_WORKERS, count // WORTH_A_WORKER)
    found = survey(folder, paths, workers, cache_file('surveys', folder),
                   probed)
    remember_hashes(folder, {
        path: [*stamp, facts.code] for path, stamp, facts in zip(
            paths, stamps, found, strict=True) if stamp and facts.code})
    return dict(zip(paths, found, strict=True))


def _probes(folder: str, found: dict[str, Facts], bits: int) -> Tensor:
    """Small images (N, 3, PROBE, PROBE), of as many bits as will be read."""
    probes = []
    for path, facts in found.items():
        if facts.probe:
            probe = facts.probe
            if facts.mode[0] == 'I' and bits < DEPTHS[-1]:
                probe = probe_of(read_image(os.path.join(folder, path),
                                            bits=bits))
            probes.append(torch.tensor(pixels_of(probe)).permute(2, 0, 1))
    return torch.stack(probes)


def _about_bad(bad: dict[str, str]) -> list[str]:
    if not bad:
        return []
    named = '; '.join(f"'{path}' ({why})" for path, why in
                      list(bad.items())[:3])
    return [f'{len(bad)} cannot be read and are left out: {named}.']


def _check(folder: str, count: int, bad: dict[str, str],
           different: int) -> None:
    """Refuse folders that cannot be trained on."""
    if different < FEWEST:
        raise ValueError(
            f"'{folder}' has too few different images that can be read: "
            f'{different}. {FEWEST} are needed, two of them to compare with.')
    if len(bad) > allowed_bad(count):
        named = '; '.join(f"'{path}' ({why})" for path, why in
                          list(bad.items())[:10])
        raise ValueError(
            f"{len(bad)} of the {count} images in '{folder}' cannot be read; "
            f'{allowed_bad(count)} may be bad: {named}. Repair or remove '
            'them; tools/check_dataset.py lists all.')


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
