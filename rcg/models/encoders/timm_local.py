"""Encoders of timm whose weights are on this machine: no downloads."""
import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass

from rcg.checkpoint import CheckpointError
from rcg.files import read_json
from rcg.models.encoders.timm import TimmEncoder, check_name
from rcg.models.encoders.timm_cache import (
    cache_folders,
    cached_weights,
    check_hash,
)

# Tried in this order. First what was trained without labels, as RCG's
# encoders were, then what knows ImageNet's classes; small ones first, because
# an encoder sees each image of a folder at least once.
PREFERRED = (
    'vit_small_patch14_dinov2.lvd142m',
    'vit_small_patch14_reg4_dinov2.lvd142m',
    'vit_small_patch16_dinov3.lvd1689m',
    'vit_small_patch16_224.dino',
    'vit_base_patch14_dinov2.lvd142m',
    'vit_base_patch14_reg4_dinov2.lvd142m',
    'vit_base_patch16_dinov3.lvd1689m',
    'vit_base_patch16_224.dino',
    'vit_base_patch16_clip_224.openai',
    'vit_small_patch16_224.augreg_in21k_ft_in1k',
    'deit_small_patch16_224.fb_in1k',
    'resnet50.a1_in1k',
    'resnet18.a1_in1k',
)
# Own images are small, and 518 pixels, which timm has for DINOv2, take seven
# times as long.
_LARGEST_SIDE = 224


@dataclass(frozen=True)
class LocalEncoder:
    """A pretrained encoder that was found and could be loaded.

    Attributes:
        config: Of a :class:`TimmEncoder` that loads the file.
        num_bytes: Size of the file.
        num_parameters: Of the model without its classifier.
        rep_dim: Length of a representation.
        input_size: Side to which images are resized.
        interpolation: How they are resized, 'bicubic' or 'bilinear'.
        mean: Mean of each channel of images in [0, 1], for normalization.
        std: Standard deviation of each channel, likewise.
    """
    config: dict
    num_bytes: int
    num_parameters: int
    rep_dim: int
    input_size: int
    interpolation: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __str__(self) -> str:
        return (f"{self.config['model']} of '{self.config['pretrained']}': "
                f'{self.num_parameters / 1e6:.1f} M parameters, '
                f'{self.num_bytes / 1e6:.0f} MB, images of '
                f'{self.input_size}x{self.input_size} ({self.interpolation}), '
                f'representations of {self.rep_dim} numbers')


def find_timm_encoder(weights: str | None = None, model: str | None = None
                      ) -> tuple[LocalEncoder | None, list[str]]:
    """Find a pretrained encoder on this machine.

    The caches of the Hugging Face hub (``HF_HUB_CACHE``, ``HF_HOME``) and of
    torch.hub (``TORCH_HOME``) are searched. What is found is loaded once, so
    that a damaged file does not stop a training later.

    Args:
        weights: A file of weights, or a folder with a ``model.safetensors``
            as on the hub. None searches the caches.
        model: Name of the model in timm. None takes it from the
            ``config.json`` beside the file or from the file's name. Without
            a file, None takes the first usable one of ``PREFERRED``.

    Returns:
        The encoder, or None if the caches hold none of ``PREFERRED``. And a
        sentence for each damaged or incomplete file that was passed over.

    Raises:
        FileNotFoundError: There is no such file, or no cache has ``model``.
        ValueError: The file does not say what it is of, or timm lacks it.
        CheckpointError: What was named cannot be used.
    """
    if model is not None:
        _check_name(model)
    if weights is not None:
        path = os.path.expanduser(weights)
        if os.path.isdir(path):
            path = os.path.join(path, 'model.safetensors')
        return _load(model or _model_of(path), path), []
    found, passed = _search([model] if model else PREFERRED, first=True)
    if model and passed and not found:
        raise CheckpointError(passed[0])
    if model and not found:
        raise FileNotFoundError(
            f"The weights of '{model}' are not on this machine (looked in "
            f"{' and '.join(cache_folders())}). Where there is a network, "
            f"TimmEncoder('{model}') downloads them. Or name their file.")
    return (found[0] if found else None), passed


def list_timm_encoders(models: Sequence[str] = PREFERRED
                       ) -> tuple[list[LocalEncoder], list[str]]:
    """List all encoders in the caches; see :func:`find_timm_encoder`.

    Args:
        models: Names in timm.

    Returns:
        The usable ones in the order of ``models``, and a sentence for each
        file that was passed over.

    Raises:
        ValueError: timm lacks one of the models.
    """
    for model in models:
        _check_name(model)
    return _search(models, first=False)


def _check_name(model: str) -> None:
    if ':' in model:
        raise ValueError(f"'{model}' has no name in timm, and timm would ask "
                         'the network what it is. Name the folder that holds '
                         'its config.json and model.safetensors.')
    check_name(model, pretrained=False)


def _search(models: Sequence[str], first: bool
            ) -> tuple[list[LocalEncoder], list[str]]:
    found, passed = [], []
    for model in models:
        paths, incomplete = cached_weights(model)
        passed += incomplete
        for path in paths:
            try:
                found.append(_load(model, path))
                break
            except (CheckpointError, OSError, ValueError) as error:
                passed.append(f"'{model}' was passed over: {error}")
        if found and first:
            break
    return found, passed


def _load(model: str, path: str) -> LocalEncoder:
    """Load weights once.

    Raises:
        FileNotFoundError: There is no such file.
        CheckpointError: They are damaged, or not those of the model.
        ValueError: timm has no such model, or it is no encoder of images.
    """
    if not os.path.isfile(path):
        raise FileNotFoundError(f"There is no file of weights '{path}'.")
    check_hash(path)
    config = dict(type='TimmEncoder', model=model, pretrained=path)
    encoder = TimmEncoder(model, path)
    if encoder.input_size > _LARGEST_SIDE:
        with contextlib.suppress(ValueError):  # it takes one size alone
            encoder = TimmEncoder(model, path, input_size=_LARGEST_SIDE)
            config['input_size'] = _LARGEST_SIDE
    return LocalEncoder(
        config, os.path.getsize(path),
        sum(p.numel() for p in encoder.parameters()), encoder.rep_dim,
        encoder.input_size, encoder.interpolation,
        tuple(encoder.mean.flatten().tolist()),
        tuple(encoder.std.flatten().tolist()))


def _model_of(path: str) -> str:
    """The timm model that a file of weights is of, by the names around it.

    Raises:
        ValueError: They do not say.
    """
    import timm  # takes two seconds
    beside = os.path.join(os.path.dirname(path), 'config.json')
    if os.path.isfile(beside):
        told = read_json(beside)
        tag = told.get('pretrained_cfg')
        tag = tag.get('tag') if isinstance(tag, dict) else None
        name = '.'.join(str(part) for part in (told.get('architecture'), tag)
                        if part)
        if timm.is_model(name.partition('.')[0]):
            return name
    stem = os.path.splitext(os.path.basename(path))[0]
    if timm.is_model(stem.partition('.')[0]):
        return stem
    raise ValueError(
        f"'{path}' does not say which model of timm it is of. Name it, as in "
        "model='vit_small_patch14_dinov2.lvd142m', or name the file after it.")
