"""Any image model of timm (github.com/huggingface/pytorch-image-models)."""
import difflib

import torch
from torch import Tensor, nn

from rcg.checkpoint import CheckpointError, find_checkpoint, read_checkpoint
from rcg.models.encoders.base import Encoder
from rcg.models.encoders.timm_cache import (
    cached_weights,
    check_hash,
    check_network,
)
from rcg.registry import ENCODERS

# timm converts weights before it compares their names and shapes. What is of
# another model may fail on the way.
_REFUSALS = (OSError, RuntimeError, LookupError, AssertionError,
             AttributeError, TypeError, ValueError)


@ENCODERS.register_module()
class TimmEncoder(Encoder):
    """The pooled features of a timm model without its classifier.

    Preprocessing follows timm's configuration of the weights: size, mean,
    standard deviation, interpolation (antialiased, as Pillow's) and center
    crop. Its crop modes agree on square images. Results equal those of timm's
    transform of tensors. Its transform of 8-bit images rounds after resizing,
    and differs by one or two gray levels.

    Args:
        model: Name in timm, such as 'vit_base_patch14_dinov2.lvd142m'.
        pretrained: True takes timm's weights from the caches of this machine
            (see :mod:`rcg.models.encoders.timm_cache`), else from the
            network. A path loads them from that file. False leaves the
            weights random, to be loaded from ``checkpoint``.
        standardize: See :class:`Encoder`.
        input_size: Side to which images are resized. A ViT's table of
            positions is resampled for it. None takes timm's.

    Raises:
        ValueError: timm has no such model or weights, the model does not turn
            each square RGB image into one vector, or ``input_size`` is no
            multiple of its patches.
        CheckpointError: Its weights cannot be loaded.
    """

    antialias = True

    def __init__(self, model: str, pretrained: bool | str = True,
                 standardize: bool = True,
                 input_size: int | None = None) -> None:
        import timm  # takes two seconds
        check_name(model, pretrained is True)
        backbone = _create(timm, model, pretrained, input_size)
        config = timm.data.resolve_model_data_config(backbone)
        channels, height, width = config['input_size']
        if channels != 3 or height != width:
            raise ValueError(
                f"'{model}' takes images of {channels}x{height}x{width}, "
                'wanted square RGB ones; choose another model.')
        super().__init__(height, config['mean'], config['std'],
                         with_projector=False, standardize=standardize)
        self.interpolation = config['interpolation']
        self.crop_pct = config['crop_pct']
        self.backbone = backbone
        # Where pooled features are not num_features wide, timm has
        # head_hidden_size.
        self.feature_dim = getattr(backbone, 'head_hidden_size',
                                   backbone.num_features)

    def map_features(self, x: Tensor) -> Tensor:
        if not hasattr(self.backbone, 'forward_intermediates'):
            return super().map_features(x)
        last, = self.backbone.forward_intermediates(
            x, indices=1, norm=True, intermediates_only=True)
        return last


def check_name(model: str, pretrained: bool) -> None:
    """Check that timm has a model.

    Args:
        model: Name in timm, with or without a tag.
        pretrained: Whether it also needs weights.

    Raises:
        ValueError: It does not.
    """
    import timm
    if ':' in model:  # on a hub or in a folder, which timm cannot list
        return
    architecture, _, tag = model.partition('.')
    if not timm.is_model(architecture):
        near = difflib.get_close_matches(architecture, timm.list_models())
        raise ValueError(f"timm has no model '{architecture}'; its names most "
                         f"like it are: {', '.join(near) or 'none'}. "
                         'timm.list_models() lists all.')
    known = timm.list_models(f'{architecture}.*', pretrained=True)
    if (tag and model not in known) or (pretrained and not known):
        raise ValueError(f"timm has no weights '{model}', only: "
                         f"{', '.join(known) or 'none'}.")


def _in_cache(model: str) -> str | bool:
    """A file of a cache, or True: timm is to download the weights.

    Raises:
        CheckpointError: The file is damaged, or there is neither a file nor
            a network.
    """
    paths, _ = cached_weights(model)
    if not paths:
        check_network(model)
        return True
    check_hash(paths[0])
    return paths[0]


def _read(path: str) -> dict:
    """Weights by name, in any of the ways in which they are published.

    Raises:
        FileNotFoundError: There is no such file.
        CheckpointError: It is damaged, or holds no weights.
    """
    path = find_checkpoint(path)
    state = read_checkpoint(path)
    for key in ('state_dict', 'model'):
        if isinstance(state.get(key), dict):
            state = state[key]
    state = {name: value for name, value in state.items()
             if isinstance(value, Tensor)}
    if not state:  # timm would take its own from the network
        raise CheckpointError(f"'{path}' holds no weights by name.")
    return state


def _check_size(timm, model: str, size: int) -> None:
    """Try a size of images without computing anything."""
    try:
        with torch.device('meta'):
            backbone = timm.create_model(model, pretrained_cfg_overlay=dict(
                input_size=(3, size, size)))
            backbone(torch.empty(1, 3, size, size))
    except (AssertionError, RuntimeError, ValueError) as error:
        raise ValueError(f"'{model}' cannot take images of {size}x{size} "
                         f'({error}); choose another input_size.') from error


def _create(timm, model: str, pretrained: bool | str,
            input_size: int | None) -> nn.Module:
    overlay = {}
    if pretrained is True:
        pretrained = _in_cache(model)
    if isinstance(pretrained, str):
        # Without a source, or timm would ask the hub for 'hf-hub:' models.
        overlay |= dict(state_dict=_read(pretrained), source='')
    if input_size:
        overlay['input_size'] = (3, input_size, input_size)
        _check_size(timm, model, input_size)
    try:
        # With the classifier, or timm would not notice mismatched names.
        backbone = timm.create_model(model, pretrained=bool(pretrained),
                                     pretrained_cfg_overlay=overlay or None)
    except _REFUSALS as error:
        raise CheckpointError(
            f"timm could not load the weights of '{model}': {error} On a "
            'machine without network, download them elsewhere and name the '
            'file: pretrained=PATH.') from error
    if not hasattr(backbone, 'reset_classifier'):
        raise ValueError(f"'{model}' gives no pooled features; choose another "
                         'model.')
    backbone.reset_classifier(0)
    return backbone
