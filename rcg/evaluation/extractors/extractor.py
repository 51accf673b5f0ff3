"""Feature extractors, shared by all metrics that use the same one."""
import json
import os
import weakref
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from rcg.checkpoint import find_checkpoint, load_weights
from rcg.precision import exact_float32
from rcg.registry import ENCODERS, FEATURE_EXTRACTORS, Registry

_SHARED: 'weakref.WeakValueDictionary[str, Extractor]' = (
    weakref.WeakValueDictionary())


class Extractor:
    """A frozen network from images to features, with what it found so far.

    Get one from :func:`shared_extractor`: metrics with equal configs then
    hold the same object, and a batch goes through the network once. An
    encoder takes images in [-1, 1] and gives the features alone.

    Attributes:
        sha256: Hash of the file of weights, None without one.
        references: Results over whole datasets, of ``reference.py``.
    """

    def __init__(self, module: nn.Module, sha256: str | None = None,
                 settings: dict | None = None,
                 is_encoder: bool = False) -> None:
        self.module = module.eval().requires_grad_(False)
        # A published network finds its weights itself.
        self.sha256 = sha256 or getattr(module, 'sha256', None)
        self.references, self._settings = {}, settings or {}
        self._is_encoder = is_encoder
        self._device, self._batch = None, (None, None)

    def describe(self) -> dict:
        """What its features depend on: settings, weights, resize rule."""
        path = (self._settings.get('checkpoint')
                or getattr(self.module, 'path', None))
        size = getattr(self.module, 'input_size', None)
        rule = getattr(self.module, 'resize', None) or ' '.join(filter(None, [
            getattr(self.module, 'interpolation', ''),
            getattr(self.module, 'antialias', False) and 'antialiased']))
        return {'type': type(self.module).__name__,
                **_without(self._settings, 'checkpoint', 'weights_path',
                           'download'),
                'weights': path and os.path.basename(path),
                'sha256': self.sha256,
                'resize': f'{rule} to {size}' if size else 'none'}

    @torch.no_grad()
    def __call__(self, images: Tensor) -> dict[str, Tensor]:
        """Features of uint8 images (N, 3, H, W), by name, float32."""
        if images.device != self._device:
            self.module.to(images.device)
            self._device = images.device
        # A score must not depend on the precision that a model trains in.
        with exact_float32(images.device):
            if self._is_encoder:
                images = images.float().div_(127.5).sub_(1)
                return {'features': self.module(images)}
            return self.module(images)

    def of_samples(self, data_samples: Sequence[dict]) -> dict[str, Tensor]:
        """Features of the ``images`` of a batch of model outputs."""
        # MMEngine hands the same list to every metric of an evaluator.
        if self._batch[0] is not data_samples:
            self._batch = (data_samples, self(stack_images(data_samples)))
        return self._batch[1]


def stack_images(data_samples: Sequence[dict],
                 name: str = 'images') -> Tensor:
    """Stack the images of model outputs: (N, 3, H, W), uint8 or TypeError."""
    images = stack_rows(data_samples, name)
    if images.dtype != torch.uint8 or images.ndim != 4:
        raise TypeError(
            f"'{name}' must be uint8 (3, H, W) in every output, got "
            f'{images.dtype} {tuple(images.shape[1:])}: pass images in '
            '[-1, 1] through rcg.models.data_preprocessor.to_uint8.')
    return images


def stack_rows(data_samples: Sequence[dict], name: str) -> Tensor:
    """Stack one tensor of every model output: (N, ...), or KeyError."""
    if any(name not in sample for sample in data_samples):
        raise KeyError(
            f"the metric needs '{name}' in every output of the model's "
            f"predict mode, got {sorted(data_samples[0])}: use a metric that "
            'fits the model.')
    return torch.stack([torch.as_tensor(sample[name])
                        for sample in data_samples])


def shared_extractor(cfg: dict,
                     registry: Registry | None = None) -> Extractor:
    """Build a frozen network, or return the one that is in use already.

    Args:
        cfg: Config of a feature extractor or an encoder, plus ``checkpoint``
            (a file or a work folder) and optionally ``prefix`` of the weights
            in it, if it does not find its weights itself.
        registry: FEATURE_EXTRACTORS or ENCODERS; None: which has the type.

    Raises:
        FileNotFoundError, CheckpointError: See :func:`load_weights`.
    """
    settings = dict(cfg)
    if registry is None:
        ENCODERS.import_from_location()
        registry = (ENCODERS if cfg['type'] in ENCODERS.module_dict
                    else FEATURE_EXTRACTORS)
    if settings.get('checkpoint') is not None:
        settings['checkpoint'] = find_checkpoint(settings['checkpoint'])
    paths = [os.path.realpath(os.path.expanduser(settings.get(name) or ''))
             for name in ('checkpoint', 'weights_path')]
    key = json.dumps([registry.name, settings, [
        [path, *file_stamp(path)] for path in paths if os.path.isfile(path)
    ]], sort_keys=True, default=str)
    extractor = _SHARED.get(key)
    if extractor is None:
        module = registry.build(_without(settings, 'checkpoint', 'prefix'))
        sha256 = None
        if settings.get('checkpoint'):
            sha256 = load_weights(module, settings['checkpoint'],
                                  settings.get('prefix', '')).sha256
        extractor = _SHARED[key] = Extractor(module, sha256, settings,
                                             registry is ENCODERS)
    return extractor


def file_stamp(path: str) -> tuple[int, int]:
    """What changes when a file is written anew."""
    status = os.stat(path)
    return status.st_mtime_ns, status.st_size


def _without(settings: dict, *names: str) -> dict:
    return {k: v for k, v in settings.items() if k not in names}
