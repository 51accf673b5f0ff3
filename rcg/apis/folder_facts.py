"""What people should know of a folder of images, in sentences."""
from collections import Counter
from collections.abc import Sequence

from rcg.datasets.folders import folder_classes, left_out
from rcg.datasets.survey import Facts
from rcg.datasets.transforms import LONGEST

# Names of folders that are parts of a data set, not classes.
PARTS = {'train', 'training', 'val', 'valid', 'validation', 'dev', 'test',
         'testing'}
EXTREME = 4  # ratio of the sides from which on a crop loses most of an image


def about_files(folder: str | None, good: Sequence[Facts],
                size: int | None = None) -> list[str]:
    """Sizes, what was left out, and what is unusual.

    Args:
        folder: The folder; None: nothing is known to be left out.
        good: Facts about the files that can be read.
        size: Of the model's images, in pixels; None: not known.
    """
    found = [_about_sides(good)]
    others = left_out(folder) if folder else None
    if others:
        found.append('Left out by their ending: ' + ', '.join(
            f'{count} {ending}' for ending, count in others.most_common(8))
            + '.')
    sides = [sorted((facts.height, facts.width)) for facts in good]
    counts = {
        'smaller than the model, enlarged': sum(
            short < (size or 0) for short, _ in sides),
        f'at least {EXTREME} times as long as wide, of which the crop loses '
        'most': sum(long >= EXTREME * short for short, long in sides),
        f'more than {LONGEST} times as long as wide, cut to that around the '
        'middle before they are resized': sum(
            long > LONGEST * short for short, long in sides),
        'transparent, shown over white': sum(
            facts.transparent for facts in good),
        'animated or of several pages, of which the first is taken': sum(
            facts.frames > 1 for facts in good),
        'exact copies of others': len(good) - count_different(good)}
    return found + [f'{count} are {what}.' for what, count in counts.items()
                    if count]


def count_different(good: Sequence[Facts]) -> int:
    """How many images are left without the exact copies."""
    return len({facts.code for facts in good})


def _about_sides(good: Sequence[Facts]) -> str:
    if not good:
        return 'No image can be read.'
    sides = sorted(min(facts.height, facts.width) for facts in good)
    return (f'{len(good):,} images, shorter side {sides[0]} to {sides[-1]} '
            f'pixels, half of them {sides[len(sides) // 2]} or more.')


def about_classes(paths: Sequence[str]) -> tuple[int | None, str]:
    """Number of classes, None without labels; and a sentence about them.

    Args:
        paths: Of the images, relative to their folder.
    """
    found = folder_classes(paths)
    if found is None:
        return None, ('No labels: these need each image in one of several '
                      'class folders.')
    labels, classes = found
    if PARTS.issuperset(name.lower() for name in classes):
        return None, (f'No labels: {", ".join(classes)} look like parts of a '
                      'data set, not like classes. The images of all are '
                      'taken; give one of these folders to have its images '
                      'and classes alone.')
    counts = sorted(Counter(labels).values())
    return len(classes), (f'{len(classes)} class folders of {counts[0]} to '
                          f'{counts[-1]} images.')
