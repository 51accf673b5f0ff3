"""Images from a trained model, in Python."""
from collections.abc import Iterator, Sequence

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import Tensor

from rcg.apis.drawing import Drawer
from rcg.apis.run_config import load_any_config
from rcg.checkpoint import find_checkpoint, load_weights
from rcg.engine.ahead import ROWS, Ahead
from rcg.engine.configs.loading import title_of
from rcg.engine.configs.stages import naming_stages
from rcg.engine.devices import usable_device
from rcg.precision import set_float32
from rcg.registry import MODELS
from rcg.rng import SampleRng


class RCGInferencer:
    """Draws images with the model of a config and a checkpoint.

    Images are (N, 3, H, W) uint8 RGB on the CPU, of the size of the model
    (see :func:`rcg.apis.load_images`). ``batch_size`` of them are computed at
    a time, or with 'auto' as many as memory allows. The last batch is filled
    up. So an image depends on its random stream alone, not on how many others
    are drawn. Representations of many images are drawn at once.

    Example:
        >>> rcg = RCGInferencer('configs/digits/mage.py',
        ...                     'work_dirs/quickstart/mage')
        >>> images = rcg.sample(16, seed=0)  # (16, 3, 16, 16) uint8
        >>> rcg.interpolate(images[0], images[1])  # (8, 3, 16, 16)

    Args:
        config: A config, a dict like one, or the path of one.
        checkpoint: File or work folder.
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

    def __init__(self, config: Config | dict | str, checkpoint: str,
                 device: str | torch.device | None = None,
                 overlap: bool = False, ahead: int = ROWS) -> None:
        self.device, self.ahead = torch.device(usable_device(device)), ahead
        cfg = load_any_config(config)
        if cfg.get('model') is None:
            raise ValueError(f'{title_of(cfg)} has no model: give one of a '
                             'pixel generator (RCG).')
        init_default_scope(cfg.get('default_scope', 'rcg'))
        set_float32(cfg.get('env_cfg', {}).get('float32', 'high'))
        with naming_stages(cfg):
            self.model = MODELS.build(cfg.model)
        if not hasattr(self.model, 'generator'):
            raise ValueError(
                f'{type(self.model).__name__} draws no images; give the '
                'config and checkpoint of a pixel generator (RCG).')
        self.checkpoint = find_checkpoint(checkpoint)
        load_weights(self.model, self.checkpoint)
        self.model.to(self.device).eval()
        self._draw = Drawer(self.model, self.device,
                            overlap and self.device.type != 'cpu')

    @property
    def num_classes(self) -> int | None:
        """Number of classes; None if sampling takes no labels."""
        kind = self.model.generator.condition_kind
        if kind == 'label':
            return self.model.generator.network.condition_embed.num_classes
        rdm = self.model.rdm if kind == 'representation' else None
        embed = getattr(rdm, 'label_embed', None)
        return None if embed is None else embed.num_embeddings

    def sample(self, num_images: int, seed: int = 0,
               labels: Sequence[int] | None = None,
               batch_size: int | str = 64) -> Tensor:
        """Draw images.

        Args:
            num_images: Number of images.
            seed: Image i depends on the seed and i alone.
            labels: One for each image, for a class-conditional model.
            batch_size: Images at a time; 'auto': see
                :class:`~rcg.apis.batch_sizes.BatchSizes`.

        Returns:
            (num_images, 3, H, W).

        Raises:
            ValueError: The model takes no labels, or has no such class.
        """
        return torch.cat([*self.batches(num_images, seed, labels, batch_size)])

    def batches(self, num_images: int, seed: int = 0,
                labels: Sequence[int] | None = None,
                batch_size: int | str = 64) -> Iterator[Tensor]:
        """Like :meth:`sample`, one batch at a time."""
        if labels is not None:
            self._check_labels(labels, num_images)
            labels = torch.tensor(labels, device=self.device)

        def make_batch(rows: Sequence[int]) -> dict:
            keys = SampleRng.from_seed(seed, rows).keys
            return dict(keys=keys) | (
                {} if labels is None else dict(labels=labels[keys[:, 1]]))

        ahead = None
        if (getattr(self.model, 'draws_ahead', False)
                and num_images >= self.ahead > 0):
            ahead = Ahead(self.model, make_batch, num_images, self.ahead)

        def inputs(i: Tensor) -> dict:
            batch = make_batch(i)
            if ahead is not None:
                first = int(i[0])
                drawn = ahead(range(first, int(i[-1]) + 1))
                batch |= dict(drawn, representations=drawn[
                    'representations'][(i - first).to(self.device)])
            return batch
        return self._draw(num_images, batch_size, inputs)

    @torch.no_grad()
    def represent(self, images: Tensor) -> Tensor:
        """Representations (N, D) of images (N, 3, H, W) uint8.

        Raises:
            ValueError: The model is a baseline without an encoder.
        """
        _check_images(images, '(N, 3, H, W)')
        kind = self.model.generator.condition_kind
        if kind != 'representation' or self.model.encoder is None:
            origin = {'label': 'labels', None: 'nothing'}.get(kind, kind)
            raise ValueError(
                'this takes an RCG model with its encoder: the generator '
                f'draws images from {origin}, and model.encoder is '
                f'{"given" if self.model.encoder else "None"}. Give a config '
                'such as configs/digits/mage.py and its checkpoint.')
        data = self.model.data_preprocessor(dict(images=images))
        with self.model.encoder.in_float32(self.device) as encoder:
            return encoder(data['images'])

    def reconstruct(self, images: Tensor, num: int = 1, seed: int = 0,
                    batch_size: int = 8) -> Tensor:
        """Draw images from the representations of given ones.

        Args:
            images: (N, 3, H, W).
            num: Images to draw from each.
            seed: Draw j of any image has the random stream (seed, j).
            batch_size: Images at a time.

        Returns:
            (N, num, 3, H, W).

        Raises:
            ValueError: The images are no such tensor.
        """
        _check_images(images, '(N, 3, H, W)')
        drawn = self._draw(len(images) * num, batch_size, lambda i: dict(
            keys=SampleRng.from_seed(seed, i % num).keys,
            representations=self.represent(images[i // num])))
        return torch.cat([*drawn]).unflatten(0, (-1, num))

    def vary(self, image: Tensor, num: int = 8, seed: int = 0,
             batch_size: int = 8) -> Tensor:
        """Draw (num, 3, H, W) from the representation of (3, H, W).

        Raises:
            ValueError: The image is no such tensor.
        """
        _check_images(image, '(3, H, W)')
        return self.reconstruct(image[None], num, seed, batch_size)[0]

    def interpolate(self, first: Tensor, last: Tensor, steps: int = 8,
                    seed: int = 0, batch_size: int = 8) -> Tensor:
        """Draw images between the representations of two given ones.

        Representations are mixed linearly, (1 - t) first + t last for t from
        0 to 1, and not standardised again. So was the paper's figure of
        interpolations made, says its author (github.com/LTH14/rcg/issues/20).

        Args:
            first: (3, H, W).
            last: (3, H, W).
            steps: Images to draw, the ends included.
            seed: All have the random stream (seed, 0).
            batch_size: Images at a time.

        Returns:
            (steps, 3, H, W).

        Raises:
            ValueError: There are fewer than 2 steps; an image is no such
                tensor.
        """
        for image in (first, last):
            _check_images(image, '(3, H, W)')
        if steps < 2:
            raise ValueError(f'steps must be at least 2, got {steps}.')
        weights = torch.linspace(0, 1, steps, device=self.device)[:, None]

        def mixed(i: Tensor) -> dict:
            ends = [self.represent(image.expand(len(i), -1, -1, -1))
                    for image in (first, last)]
            return dict(keys=SampleRng.from_seed(seed, i * 0).keys,
                        representations=torch.lerp(*ends, weights[i]))

        return torch.cat([*self._draw(steps, batch_size, mixed)])

    def _check_labels(self, labels: Sequence[int], num_images: int) -> None:
        known = self.num_classes
        if known is None:
            raise ValueError('this model takes no labels: neither its '
                             'generator nor its RDM is class-conditional.')
        if len(labels) != num_images:
            raise ValueError(f'labels must be one an image, got {len(labels)}'
                             f' for {num_images} images.')
        for label in labels:
            if not 0 <= label < known:
                raise ValueError(f'labels must be in [0, {known}), got '
                                 f'{label}.')


def _check_images(images: Tensor, shape: str) -> None:
    """Refuse what is no tensor of bytes of such a shape."""
    if (isinstance(images, Tensor) and images.dtype == torch.uint8
            and images.ndim == shape.count(',') + 1 and images.shape[-3] == 3):
        return
    got = f'a {type(images).__name__}'
    if isinstance(images, Tensor):
        got = f'{tuple(images.shape)} {images.dtype}'
    raise ValueError(f'images must be a tensor {shape} uint8, got {got}. '
                     'rcg.apis.load_images reads files.')
