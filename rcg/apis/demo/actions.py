"""What the buttons of the page do; nothing here knows the page.

Each returns pictures and a line of text, or yields them as it goes. What a
visitor gets wrong is a ValueError with a sentence.
"""
import os
from collections.abc import Iterator, Sequence

from PIL import Image

from rcg.apis.grid import labelled_grid
from rcg.apis.inferencer import RCGInferencer

from .limits import checked, read_upload
from .models import Models, takes_images

COLUMNS = 8  # images in a row
FILMED, SHOWN_STEPS = 4, 8  # images whose steps are kept; how many of them
MOST_FRAMES = 32  # pictures that a run shows on its way
NEIGHBORS = 5
LARGEST_BATCH = 16
Shown = tuple[Image.Image, str]


class Actions:
    """The actions of a page.

    Args:
        models: To choose from.
        uploads: Folder of the files that were uploaded.
    """

    def __init__(self, models: Models, uploads: str | os.PathLike) -> None:
        self.models, self.uploads = models, uploads

    def sample(self, name, num, seed, guidance, temperature, steps, label
               ) -> Iterator[tuple[Image.Image, Image.Image | None, str]]:
        """Draw images, and show each step.

        Yields:
            The images so far; at the end, steps of the first ones; a line.
        """
        num, seed = checked('images', num), checked('seed', seed)
        model = self.models[name]
        settings = self._settings(name, guidance, temperature, steps)
        labels = _labels(model, label, num)
        film = []
        for frame in model.steps(num, seed, labels, _batch(num),
                                 **settings):
            every = -(-frame.num_steps // MOST_FRAMES)
            if frame.step % every and not frame.is_last:
                continue
            images = frame.images
            film.append((frame.step, images[:FILMED]))
            yield _grid(images), None, f'step {frame.step} of ' \
                f'{frame.num_steps}'
        yield (_grid(images), _film(film),
               f'{num} images, seed {seed}{_told(settings)}'
               + (f', class {labels}' if isinstance(labels, str) else ''))

    def nearest(self, name, num, seed, guidance, temperature, steps, label
                ) -> Shown:
        """The same samples, and the nearest training images of each."""
        num, seed = checked('images', num), checked('seed', seed)
        model = self._of_images(name)
        settings = self._settings(name, guidance, temperature, steps)
        images = model.sample(num, seed, _labels(model, label, num),
                              _batch(num), **settings)
        found = model.nearest(images, k=NEIGHBORS)
        rows = [(_distance(i, found), [image, *found.images[i]])
                for i, image in enumerate(images)]
        text = 'sample, then its nearest training images'
        if found.near_train is not None:
            text += (f'; {found.near_train:.0%} of the samples are nearer to '
                     'a training image than 95 % of held-out images are')
        return labelled_grid(rows, ['sample', 'nearest']), text

    def reconstruct(self, name, upload, seed, guidance, temperature, steps
                    ) -> Shown:
        """Draw one image from the representation of a given one."""
        return self.vary(name, upload, 1, seed, guidance, temperature, steps)

    def vary(self, name, upload, num, seed, guidance, temperature, steps
             ) -> Shown:
        """Draw images from the representation of a given one."""
        num, seed = checked('images', num), checked('seed', seed)
        image = read_upload(upload, self.uploads)
        model = self._of_images(name)
        settings = self._settings(name, guidance, temperature, steps)
        drawn = model.vary(image, num, seed, _batch(num), **settings)
        return labelled_grid([
            ('as the model sees it', [model.prepared(image)[0]]),
            *_rows(drawn, 'drawn from it')]), (
                f'{num} drawn, seed {seed}{_told(settings)}')

    def interpolate(self, name, first, last, num, seed, guidance, temperature,
                    steps) -> Shown:
        """Draw images between the representations of two given ones."""
        num, seed = checked('images', num), checked('seed', seed)
        if num < 2:
            raise ValueError('there must be at least 2 images, one at each '
                             f'end, got {num}.')
        ends = [read_upload(upload, self.uploads) for upload in (first, last)]
        model = self._of_images(name)
        settings = self._settings(name, guidance, temperature, steps)
        drawn = model.interpolate(*ends, num, seed, _batch(num),
                                  **settings)
        return labelled_grid([
            ('first and last', list(model.prepared(ends))),
            *_rows(drawn, 'between them')]), (
                f'{num} drawn, seed {seed}{_told(settings)}')

    def compare(self, names: Sequence, num, seed, guidance, temperature, steps
                ) -> Shown:
        """Images of two models with the same seeds."""
        num, seed = checked('images', num), checked('seed', seed)
        rows, told = [], []
        for name in names:
            model = self.models[name]
            settings = self._settings(name, guidance, temperature, steps)
            images = model.sample(num, seed, _labels(model, '', num),
                                  _batch(num), **settings)
            rows += _rows(images, name)
            told.append(f'{name}{_told(settings)}')
        return labelled_grid(rows), f'seed {seed}; ' + '; '.join(told)

    def _settings(self, name, guidance, temperature, steps) -> dict:
        """Those that a model has; others are of no use to it."""
        facts = self.models.facts(name)
        found = dict(steps=checked('steps', steps))
        for key, value in (('guidance', guidance),
                           ('temperature', temperature)):
            if getattr(facts, key) is not None:
                found[key] = checked(key, value)
        return found

    def _of_images(self, name) -> RCGInferencer:
        model = self.models[name]
        if not takes_images(model):
            raise ValueError(f"'{name}' draws without representations of "
                             'images: choose an RCG model for this.')
        return model


def _batch(num: int) -> int:
    """Images at a time: none are drawn in vain, as in batches of one size.

    So the last bits of an image may depend on how many are drawn.
    """
    return min(num, LARGEST_BATCH)


def _labels(model: RCGInferencer, label, num: int) -> list | str | None:
    """Of each image: one for all, or all classes in turn."""
    if model.num_classes is None:
        return None
    if label:
        return str(label)[:200].strip()
    return [i % model.num_classes for i in range(num)]


def _grid(images: Sequence[Image.Image]) -> Image.Image:
    return labelled_grid(_rows(images))


def _rows(images: Sequence[Image.Image], title: str = ''
          ) -> list[tuple[str, Sequence[Image.Image]]]:
    return [(title if i == 0 else '', images[i:i + COLUMNS])
            for i in range(0, len(images), COLUMNS)]


def _film(film: Sequence[tuple[int, Sequence[Image.Image]]]) -> Image.Image:
    """Some of the steps, the first and the last among them, in columns."""
    last = len(film) - 1
    count = min(SHOWN_STEPS, len(film))
    chosen = [film[round(i * last / max(count - 1, 1))] for i in range(count)]
    rows = zip(*(images for _, images in chosen), strict=True)
    return labelled_grid([('', row) for row in rows],
                         [f'step {step}' for step, _ in chosen])


def _distance(i: int, found) -> str:
    is_near = found.near is not None and found.near[i]
    return f'distance {found.distances[i, 0]:.2f}{", near" * bool(is_near)}'


def _told(settings: dict) -> str:
    return ''.join(f', {key} {value:g}' for key, value in settings.items())
