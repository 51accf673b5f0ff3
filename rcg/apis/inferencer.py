"""Images from a trained model, in Python."""
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from rcg.apis.batch_sizes import growing
from rcg.apis.classes import check_labels
from rcg.apis.inference.frames import Frame, film
from rcg.apis.inference.loaded import LoadedModel
from rcg.apis.inference.neighbors import Neighbors, find_neighbors
from rcg.apis.inference.progress import Bar
from rcg.apis.inference.settings import with_settings
from rcg.apis.inference.shown import check_output, shown
from rcg.engine.ahead import Ahead
from rcg.rng import SampleRng


class RCGInferencer(LoadedModel):
    """Draws images with a trained model.

    Images that are given may be Pillow images, paths, arrays (H, W, 3) or
    tensors (3, H, W) of bytes, or several of these; see
    :class:`~rcg.apis.inference.given.ImageReader`. Drawn ones are Pillow
    images, with ``output='tensor'`` (..., 3, H, W) uint8 RGB on the CPU, with
    'numpy' (..., H, W, 3).

    ``batch_size`` images are computed at a time, or with 'auto' as many as
    memory allows. The last batch is filled up. So an image depends on its
    random stream alone, not on how many others are drawn. Representations of
    many images are drawn at once.

    Methods that draw take ``guidance`` (on the scale of the paper's tables,
    off at 0), ``temperature`` and ``steps`` of the generator. They hold for
    the call; the model stays as it is.

    Example:
        >>> rcg = RCGInferencer('digits/mage')
        >>> images = rcg.sample(16, seed=0)
        >>> rcg.interpolate(images[0], images[1])[3].save('between.png')

    Args:
        config: Name of one of our configs, a config, a work folder or a saved
            one; see :func:`~rcg.apis.inference.source.find_source`.
        checkpoint: File or work folder; by default what belongs to config.
        device: By default a GPU, if there is one.
        overlap: On a GPU, decode a batch while the next one is drawn, which
            takes memory for both. The images are the same. On a CPU nothing
            changes. It has never run on a GPU.
        ahead: Representations are drawn for so many images at a time, or
            more, if there are as many; 0: with each batch.

    Raises:
        FileNotFoundError: There is no such config or checkpoint.
        CheckpointError: The checkpoint is not of this config's model.
        ValueError: The model draws no images; the device cannot be used.
    """

    def sample(self, num: int = 1, seed: int = 0,
               labels: int | str | Sequence | None = None,
               batch_size: int | str = 'auto', output: str = 'pil',
               callback: Callable[[Frame], None] | None = None,
               **settings) -> Sequence:
        """Draw images.

        Args:
            num: Number of images.
            seed: Image i depends on the seed and i alone.
            labels: For a class-conditional model: a number or a name of a
                class for all images, or one for each.
            batch_size: Images at a time; 'auto': see
                :class:`~rcg.apis.batch_sizes.BatchSizes`.
            output: 'pil', 'tensor' or 'numpy'.
            callback: Called with a :class:`~rcg.apis.inference.frames.Frame`
                after each step of each batch.
            settings: ``guidance``, ``temperature``, ``steps``.

        Returns:
            ``num`` images.

        Raises:
            ValueError: The model takes no labels, or has no such class; a
                setting is out of range.
        """
        check_output(output)
        labels = self._labels(labels, num)
        return shown(self._all(
            num, batch_size, self._inputs(num, seed, labels), output,
            callback, **settings), output)

    def batches(self, num: int, seed: int = 0,
                labels: int | str | Sequence | None = None,
                batch_size: int | str = 'auto', output: str = 'pil',
                **settings) -> Iterator[Sequence]:
        """Like :meth:`sample`, one batch at a time."""
        check_output(output)
        labels = self._labels(labels, num)
        drawer = self._draw.prepared(with_settings(self.model, **settings))
        drawn = drawer(num, batch_size, self._inputs(num, seed, labels))
        return (shown(batch, output) for batch in drawn)

    def steps(self, num: int = 1, seed: int = 0,
              labels: int | str | Sequence | None = None,
              batch_size: int | str = 'auto', output: str = 'pil',
              **settings) -> Iterator[Frame]:
        """Like :meth:`sample`, one step at a time.

        All batches take a step before the next one. The last frame has the
        images of :meth:`sample`, bit for bit if its batches have the same
        sizes, as they do where memory suffices.

        Yields:
            A :class:`~rcg.apis.inference.frames.Frame`, whose ``images`` are
            what has been found: MAGE's tokens, or the clean images that a
            diffusion predicts.
        """
        check_output(output)
        labels = self._labels(labels, num)
        model = with_settings(self.model, **settings)
        inputs, batches = self._inputs(num, seed, labels), []
        for numbers in growing(num, batch_size, self.device):
            batches.append((numbers, self._draw.arguments(inputs(numbers))))
        return self._framed(film(model, batches), output)

    def reconstruct(self, images, num: int = 1, seed: int = 0,
                    batch_size: int | str = 8, output: str = 'pil',
                    **settings) -> Sequence:
        """Draw images from the representations of given ones.

        Args:
            images: One or several, N.
            num: Images to draw from each.
            seed: Draw j of any image has the random stream (seed, j).
            batch_size, output, settings: See :meth:`sample`.

        Returns:
            N rows of ``num`` images.

        Raises:
            ValueError: The model is a baseline, or images cannot be read.
        """
        check_output(output)
        images = self._read(images)
        return self._redrawn(len(images), lambda i: self.encode(images[i]),
                             num, seed, batch_size, output, **settings)

    def draw(self, representations: Tensor, num: int = 1, seed: int = 0,
             batch_size: int | str = 8, output: str = 'pil',
             **settings) -> Sequence:
        """Like :meth:`reconstruct`, from representations (N, D).

        Those are of :meth:`encode`, or made of such.
        """
        check_output(output)
        rows = representations.to(self.device)
        return self._redrawn(len(rows), lambda i: rows[i], num, seed,
                             batch_size, output, **settings)

    def vary(self, image, num: int = 8, seed: int = 0,
             batch_size: int | str = 8, output: str = 'pil',
             **settings) -> Sequence:
        """Draw ``num`` images from the representation of one.

        Arguments and errors are those of :meth:`reconstruct`.
        """
        return self.reconstruct(self._read.one(image)[None], num, seed,
                                batch_size, output, **settings)[0]

    def interpolate(self, first, last, num: int = 8, seed: int = 0,
                    batch_size: int | str = 8, output: str = 'pil',
                    **settings) -> Sequence:
        """Draw images between the representations of two given ones.

        The encoder mixes them; see :meth:`Encoder.between`. Vectors are mixed
        linearly and not standardised again. So was the paper's figure of
        interpolations made, says its author (github.com/LTH14/rcg/issues/20).

        Args:
            first, last: An image each.
            num: Images to draw, the ends included.
            seed: All have the random stream (seed, 0).
            batch_size, output, settings: See :meth:`sample`.

        Returns:
            ``num`` images.

        Raises:
            ValueError: There are fewer than 2; and see :meth:`reconstruct`.
        """
        check_output(output)
        ends = [self._read.one(image) for image in (first, last)]
        if num < 2:
            raise ValueError(f'num must be at least 2, got {num}.')
        weights = torch.linspace(0, 1, num, device=self.device)[:, None]
        between = getattr(self.model.encoder, 'between', torch.lerp)

        def mixed(i: Tensor) -> dict:
            both = [self.encode(image.expand(len(i), -1, -1, -1))
                    for image in ends]
            return dict(keys=SampleRng.from_seed(seed, i * 0).keys,
                        representations=between(*both, weights[i]))

        return shown(self._all(num, batch_size, mixed, output, **settings),
                     output)

    def nearest(self, images, dataset=None, k: int = 5, held_out=None,
                output: str = 'pil') -> Neighbors:
        """Find the nearest images of a dataset, by representations.

        Args:
            images: N images, such as samples.
            dataset: An ImageDataset, a folder, or images; by default the
                config's training images. A dataset or folder is encoded once
                and remembered.
            k: How many to find for each.
            held_out: Images of the same kind that are not in ``dataset``, for
                the check of copies; by default the config's, if ``dataset``
                is.
            output: Form of the images that are found.

        Returns:
            See :class:`~rcg.apis.inference.neighbors.Neighbors`.

        Raises:
            ValueError: k is out of range; the config names no training
                images; the model is a baseline.
        """
        check_output(output)
        rows = self.encode_as_vectors(images)
        if dataset is None:
            dataset, own = self._libraries.own(self._source.cfg)
            held_out = own if held_out is None else held_out
        others = None if held_out is None else self._libraries.of(held_out)
        return find_neighbors(rows, self._libraries.of(dataset), others, k,
                              lambda found: shown(found, output))

    def _labels(self, labels, num: int) -> Tensor | None:
        if labels is None and self.num_classes is None:
            return None
        return torch.tensor(check_labels(
            labels, num, self.num_classes, self._source.class_names),
            device=self.device)

    def _inputs(self, num: int, seed: int, labels: Tensor | None
                ) -> Callable[[Tensor], dict]:
        """What the model takes for images of some numbers."""
        def make_batch(rows: Sequence[int]) -> dict:
            keys = SampleRng.from_seed(seed, rows).keys
            return dict(keys=keys) | (
                {} if labels is None else dict(labels=labels[keys[:, 1]]))

        if not (getattr(self.model, 'draws_ahead', False)
                and num >= self.ahead > 0):
            return make_batch
        ahead = Ahead(self.model, make_batch, num, self.ahead)

        def inputs(i: Tensor) -> dict:
            first = int(i[0])
            drawn = ahead(range(first, int(i[-1]) + 1))
            return make_batch(i) | dict(drawn, representations=drawn[
                'representations'][(i - first).to(self.device)])
        return inputs

    def _redrawn(self, count: int, rows: Callable[[Tensor], Tensor], num: int,
                 seed: int, batch_size: int | str, output: str,
                 **settings) -> Sequence:
        """``count`` rows of images, from the representations ``rows(i)``."""
        drawn = self._all(count * num, batch_size, lambda i: dict(
            keys=SampleRng.from_seed(seed, i % num).keys,
            representations=rows(i // num)), output, **settings)
        return shown(drawn.unflatten(0, (-1, num)), output)

    def _all(self, count: int, batch_size: int | str,
             inputs: Callable[[Tensor], dict], output: str,
             callback: Callable[[Frame], None] | None = None,
             **settings) -> Tensor:
        """Images (count, 3, H, W); a bar shows how far they are."""
        bar = Bar('sampling', count)

        def watch(frame: Frame) -> None:
            share = frame.step / frame.num_steps
            bar.update(frame.indices.start + share * len(frame.indices))
            if callback is not None:
                frame.output = output
                callback(frame)

        watched = callback is not None or bar.on_terminal
        drawer = self._draw.prepared(with_settings(self.model, **settings),
                                     watch if watched else None)
        try:
            return torch.cat([*drawer(count, batch_size, inputs)])
        finally:
            bar.close()

    @staticmethod
    def _framed(frames: Iterator[Frame], output: str) -> Iterator[Frame]:
        for frame in frames:
            frame.output = output
            yield frame
