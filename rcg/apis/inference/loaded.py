"""A trained model in memory: loaded, moved, saved."""
import os

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import Tensor

from rcg.apis.drawing import Drawer
from rcg.apis.inference.given import ImageReader, image_size
from rcg.apis.inference.neighbors import Libraries
from rcg.apis.inference.source import find_source
from rcg.apis.saved import hub
from rcg.apis.saved.run import save_source
from rcg.checkpoint import find_checkpoint, load_weights
from rcg.engine.ahead import ROWS
from rcg.engine.configs.loading import title_of
from rcg.engine.configs.stages import naming_stages
from rcg.engine.devices import usable_device
from rcg.evaluation.extractors.extractor import as_vectors
from rcg.precision import set_float32
from rcg.registry import MODELS

_ENCODED = 64  # images that are encoded at a time


class LoadedModel:
    """Base of :class:`~rcg.apis.RCGInferencer`, which has the arguments."""

    def __init__(self, config: Config | dict | str | os.PathLike,
                 checkpoint: str | None = None,
                 device: str | torch.device | None = None,
                 overlap: bool = False, ahead: int = ROWS) -> None:
        self.device, self.ahead = torch.device(usable_device(device)), ahead
        self._source = source = find_source(config, checkpoint)
        cfg = source.cfg
        if cfg.get('model') is None:
            raise ValueError(f'{title_of(cfg)} has no model: give one of a '
                             'pixel generator (RCG).')
        init_default_scope(cfg.get('default_scope', 'rcg'))
        set_float32(cfg.get('env_cfg', {}).get('float32', 'high'))
        with naming_stages(cfg), source.building():
            self.model = MODELS.build(cfg.model)
        if not hasattr(self.model, 'generator'):
            raise ValueError(
                f'{type(self.model).__name__} draws no images; give the '
                'config and checkpoint of a pixel generator (RCG).')
        self.checkpoint = find_checkpoint(source.checkpoint)
        load_weights(self.model, self.checkpoint)
        self._overlap, self._size = overlap, None
        self._read = ImageReader(*source.preparation(),
                                 lambda: self.image_size)
        self._libraries = Libraries(self._read, self.encode_as_vectors)
        self.to(self.device)

    @classmethod
    def from_pretrained(cls, name: str | os.PathLike,
                        revision: str | None = None,
                        token: str | None = None, **options
                        ) -> 'LoadedModel':
        """Load what :meth:`save_pretrained` wrote. Nothing is executed.

        Args:
            name: A folder, or 'user/name' on the Hugging Face hub.
            revision: Branch, tag or commit on the hub.
            token: For private repositories of the hub.
            options: ``device`` and other arguments of the class.

        Raises:
            FileNotFoundError: There is no such folder.
            CheckpointError: It is damaged, or wants what is not allowed.
            ImportError: The hub takes the package huggingface_hub.
            OSError: The download failed.
        """
        return cls(hub.folder_of(os.fspath(name), revision, token), **options)

    def save_pretrained(self, folder: str | os.PathLike,
                        license: str | None = None,
                        metrics: str | None = None,
                        name: str | None = None) -> None:
        """Write a folder that holds the model and needs no other file.

        Config, weights of all parts as they sample, hashes, license and a
        model card. It appears when all is written.

        Args:
            folder: A new one.
            license: An identifier such as 'apache-2.0', or a file.
            metrics: A file of tools/test.py; by default metrics.json beside
                the checkpoint, if it is of this one.
            name: Of the model; by default that of the folder.

        Raises:
            FileExistsError: There is something in the folder.
            ValueError: The scores are of another checkpoint; the model has
                parts that cannot be saved.
        """
        save_source(self._source, self.model, self.num_classes,
                    self.checkpoint, os.fspath(folder), license, metrics,
                    name)

    def push_to_hub(self, name: str, private: bool = True,
                    revision: str | None = None, token: str | None = None,
                    **options) -> str:
        """Upload what :meth:`save_pretrained` writes; return the address.

        Args:
            name: 'user/name'; the repository is made if it is not there.
            private: Whether a new repository is private.
            revision: Branch to write to.
            token: By default that of ``hf auth login``.
            options: ``license`` and ``metrics``.

        Raises:
            ImportError: It takes the package huggingface_hub.
            OSError: The upload failed.
        """
        return hub.push(lambda folder: self.save_pretrained(
            folder, name=name, **options), name, private, revision, token)

    def to(self, device: str | torch.device | torch.dtype | None = None,
           dtype: torch.dtype | None = None) -> 'LoadedModel':
        """Move the model; choose in what its generator computes.

        Args:
            device: As PyTorch names it; None: as it is.
            dtype: Of most products of the generator, by autocast: float32,
                bfloat16 or float16. The other parts compute in float32.

        Returns:
            This object.

        Raises:
            ValueError: The device cannot be used; there is no such type.
        """
        if isinstance(device, torch.dtype):
            device, dtype = None, device
        if dtype is not None:
            self.model.sampling.set_generator(str(dtype).removeprefix(
                'torch.'))
        if device is not None:
            self.device = torch.device(usable_device(device))
        self.model.to(self.device).eval()
        self._draw = Drawer(self.model, self.device,
                            self._overlap and self.device.type != 'cpu')
        return self

    @property
    def num_classes(self) -> int | None:
        """Number of classes; None if sampling takes no labels."""
        kind = self.model.generator.condition_kind
        if kind == 'label':
            return self.model.generator.network.condition_embed.num_classes
        rdm = self.model.rdm if kind == 'representation' else None
        embed = getattr(rdm, 'label_embed', None)
        return None if embed is None else embed.num_embeddings

    @property
    def image_size(self) -> int:
        """Side of the images in pixels."""
        if self._size is None:
            self._size = image_size(self.model)
        return self._size

    def prepared(self, images) -> Tensor:
        """Images (N, 3, H, W) uint8 as the model takes them: cut, resized.

        Raises:
            ValueError: See :class:`~rcg.apis.inference.given.ImageReader`.
        """
        return self._read(images)

    @torch.no_grad()
    def encode(self, images) -> Tensor:
        """Representations (N, D) of images, on the device.

        Raises:
            ValueError: The model is a baseline without an encoder; and see
                :class:`~rcg.apis.inference.given.ImageReader`.
        """
        kind = self.model.generator.condition_kind
        if kind != 'representation' or self.model.encoder is None:
            origin = {'label': 'labels', None: 'nothing'}.get(kind, kind)
            raise ValueError(
                'this takes an RCG model with its encoder: the generator '
                f'draws images from {origin}, and model.encoder is '
                f'{"given" if self.model.encoder else "None"}. Give a config '
                'such as configs/digits/mage.py and its checkpoint.')
        parts = []
        for part in self._read(images).split(_ENCODED):
            data = self.model.data_preprocessor(dict(images=part))
            with self.model.encoder.in_float32(self.device) as encoder:
                parts.append(encoder(data['images']))
        return torch.cat(parts)

    def encode_as_vectors(self, images) -> Tensor:
        """What stands for representations in distances (N, E), float32.

        Of most encoders, :meth:`encode`; see
        :meth:`~rcg.models.encoders.Encoder.vectors`. So are its errors.
        """
        representations = self.encode(images)
        return as_vectors(self.model.encoder, representations)
