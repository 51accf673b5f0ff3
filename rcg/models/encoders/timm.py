"""Any image model of timm (github.com/huggingface/pytorch-image-models)."""
import difflib

from torch import nn

from rcg.checkpoint import CheckpointError, find_checkpoint, read_checkpoint
from rcg.models.encoders.base import Encoder
from rcg.registry import ENCODERS


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
        pretrained: True loads timm's weights from its cache or the network; a
            path loads them from that file. False leaves the weights random,
            to be loaded from ``checkpoint``.
        standardize: See :class:`Encoder`.

    Raises:
        ValueError: timm has no such model or weights, or the model does not
            turn each square RGB image into one vector.
        CheckpointError: Its weights cannot be loaded.
    """

    antialias = True

    def __init__(self, model: str, pretrained: bool | str = True,
                 standardize: bool = True) -> None:
        import timm  # takes two seconds
        _check_name(timm, model, pretrained is True)
        backbone = _create(timm, model, pretrained)
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


def _check_name(timm, model: str, pretrained: bool) -> None:
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


def _create(timm, model: str, pretrained: bool | str) -> nn.Module:
    overlay = None
    if isinstance(pretrained, str):
        state = read_checkpoint(find_checkpoint(pretrained))
        state = state.get('state_dict', state)
        overlay = dict(state_dict=state.get('model', state))
    try:
        # With the classifier, or timm would not notice mismatched names.
        backbone = timm.create_model(model, pretrained=bool(pretrained),
                                     pretrained_cfg_overlay=overlay)
    except (OSError, RuntimeError) as error:
        raise CheckpointError(
            f"timm could not load the weights of '{model}': {error} On a "
            'machine without network, download them elsewhere and name the '
            'file: pretrained=PATH.') from error
    if not hasattr(backbone, 'reset_classifier'):
        raise ValueError(f"'{model}' pools no features; choose another model.")
    backbone.reset_classifier(0)
    return backbone
