"""Feature extractors, shared by all metrics that use the same one."""
import json
import os
import weakref
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from rcg.checkpoint import find_checkpoint, load_weights
from rcg.engine import Halving
from rcg.evaluation.data_samples import stack_images
from rcg.frozen import with_checkpoint
from rcg.precision import exact_float32
from rcg.registry import (
    ENCODERS,
    FEATURE_EXTRACTORS,
    Registry,
    has_init_cfg,
    type_name,
)

_SHARED: 'weakref.WeakValueDictionary[str, Extractor]' = (
    weakref.WeakValueDictionary())
# Settings that say where weights are, not what they are.
_PLACES = 'checkpoint', 'weights_path', 'download'


class Extractor:
    """A frozen network from images to features, with what it has computed.

    Get one from :func:`shared_extractor`: metrics with equal configs then
    hold the same object, and a batch goes through the network once.

    Args:
        module: A feature extractor, which takes uint8 images and returns
            features by name, or an encoder, which takes images in [-1, 1]
            and returns the features alone.
        sha256: Hash of the file of weights, if the module did not find it
            itself.
        settings: The config of the module.
        is_encoder: Whether the module is an encoder.

    Attributes:
        sha256: Hash of the file of weights; None without one.
        references: Results over whole datasets, for
            :class:`~rcg.evaluation.references.DatasetReference`.
    """

    def __init__(self, module: nn.Module, sha256: str | None = None,
                 settings: dict | None = None,
                 is_encoder: bool = False) -> None:
        self.module = module.eval().requires_grad_(False)
        # A PretrainedExtractor has found its weights itself.
        self.sha256 = sha256 or getattr(module, 'sha256', None)
        self.references: dict[str, dict] = {}
        self._settings = settings or {}
        self._is_encoder = is_encoder
        self._device = None
        self._halving = Halving('extracting features')
        # A cache of one batch, for the metrics that share this object.
        self._cached_samples, self._cached_outputs = None, None

    def describe(self) -> dict:
        """What its features depend on: settings, weights, resize rule."""
        path = (self._settings.get('checkpoint')
                or getattr(self.module, 'path', None))
        return {'type': type(self.module).__name__,
                **_without(self._settings, *_PLACES),
                'weights': os.path.basename(path) if path else None,
                'sha256': self.sha256, 'resize': self._resize_rule()}

    def _resize_rule(self) -> str:
        """How the network resizes its images, and to how many pixels."""
        size = getattr(self.module, 'input_size', None)
        if not size:
            return 'none'
        rule = getattr(self.module, 'resize', None)
        if not rule:
            rule = getattr(self.module, 'interpolation', '')
            if getattr(self.module, 'antialias', False):
                rule = f'{rule} antialiased'.strip()
        return f'{rule} to {size}'

    @torch.no_grad()
    def __call__(self, images: Tensor) -> dict[str, Tensor]:
        """Features of uint8 images (N, 3, H, W), by name, float32."""
        if images.device != self._device:
            self.module.to(images.device)
            self._device = images.device
        # A score must not depend on the precision that a model trains in.
        with exact_float32(images.device):
            return self._halving(self._features, images)

    def _features(self, images: Tensor) -> dict[str, Tensor]:
        if self._is_encoder:
            images = images.float().div_(127.5).sub_(1)
            return {'features': as_vectors(self.module, self.module(images))}
        return self.module(images)

    def of_samples(self, data_samples: Sequence[dict]) -> dict[str, Tensor]:
        """Features of the ``images`` of a batch of model outputs.

        MMEngine hands the same list to every metric of an evaluator: the
        first metric computes the features, the others get the same ones.
        """
        if self._cached_samples is not data_samples:
            self._cached_outputs = self(stack_images(data_samples))
            self._cached_samples = data_samples
        return self._cached_outputs


def shared_extractor(cfg: dict,
                     registry: Registry | None = None) -> Extractor:
    """Build a frozen network, or return the one that is in use already.

    Args:
        cfg: Config of a feature extractor or an encoder. If it does not find
            its weights itself, also their ``checkpoint`` (a file or a work
            folder) and optionally their ``prefix`` in it.
        registry: FEATURE_EXTRACTORS or ENCODERS; None takes the one that has
            the type.

    Raises:
        FileNotFoundError, CheckpointError: See :func:`load_weights`.
    """
    settings = with_checkpoint(cfg)
    if registry is None:
        ENCODERS.import_from_location()
        registry = (ENCODERS if type_name(cfg) in ENCODERS.module_dict
                    else FEATURE_EXTRACTORS)
    if settings.get('checkpoint') is not None:
        settings['checkpoint'] = find_checkpoint(settings['checkpoint'])
    key = _key(settings, registry)
    extractor = _SHARED.get(key)
    if extractor is None:
        module = registry.build(_without(settings, 'checkpoint', 'prefix'))
        sha256 = None
        if settings.get('checkpoint'):
            sha256 = load_weights(module, settings['checkpoint'],
                                  settings.get('prefix', '')).sha256
        elif has_init_cfg(module):
            module.init_weights()
        extractor = _SHARED[key] = Extractor(module, sha256, settings,
                                             registry is ENCODERS)
    return extractor


def _key(settings: dict, registry: Registry) -> str:
    """What two extractors have in common if they are one."""
    paths = [os.path.realpath(os.path.expanduser(settings.get(name) or ''))
             for name in ('checkpoint', 'weights_path')]
    files = [[path, *file_stamp(path)] for path in paths
             if os.path.isfile(path)]
    return json.dumps([registry.name, settings, files], sort_keys=True,
                      default=str)


def file_stamp(path: str) -> tuple[int, int]:
    """What changes when a file is written anew."""
    status = os.stat(path)
    return status.st_mtime_ns, status.st_size


def _without(settings: dict, *names: str) -> dict:
    return {name: value for name, value in settings.items()
            if name not in names}


def as_vectors(encoder: nn.Module, representations: Tensor) -> Tensor:
    """What stands for representations (N, D) in distances (N, E), float32.

    What the encoder's ``vectors`` says; without it, the representations.
    """
    vectors = getattr(encoder, 'vectors', Tensor.float)
    return vectors(representations)
