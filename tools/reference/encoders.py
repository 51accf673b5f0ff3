"""Cases ``enc_*``, and the encoders inside other published files."""
import math

import torch
from torch import Tensor

from rcg.models.encoders.base import Encoder
from rcg.registry import ENCODERS, MODELS

from .case import Case
from .weights import Weights

TYPES = {'mocov3': 'MoCoV3ViT', 'mocov3_mmpretrain': 'MoCoV3ViT',
         'dino': 'DINOViT', 'ibot': 'DINOViT', 'deit': 'DeiTViT'}


def images_of(pixels: Tensor) -> Tensor:
    """Images in [-1, 1] of uint8, as the models get them."""
    preprocessor = MODELS.build(dict(type='ImagePreprocessor'))
    return preprocessor(dict(images=pixels))['images']


def config_of(kind: str, state: dict[str, Tensor], num_heads: int) -> dict:
    """The config of the encoder that has these weights.

    Only the number of heads leaves no trace in them.
    """
    dim = state['backbone.cls_token'].shape[-1]
    patch = state['backbone.patch_embed.proj.weight'].shape[-1]
    grid = math.isqrt(state['backbone.pos_embed'].shape[1] - 1)
    depth = 1 + max(int(name.split('.')[2]) for name in state
                    if name.startswith('backbone.blocks.'))
    vit = dict(
        patch_size=patch, embed_dim=dim, depth=depth, num_heads=num_heads,
        mlp_ratio=state['backbone.blocks.0.mlp.fc1.weight'].shape[0] / dim)
    cfg = dict(type=TYPES[kind], img_size=patch * grid, vit=vit)
    widths = [len(tensor) for name, tensor in sorted(state.items())
              if name.startswith('head.') and tensor.ndim == 2]
    if kind == 'deit':
        return dict(cfg, num_classes=widths[0])
    return dict(cfg, projector_hidden_dim=widths[0],
                projector_dim=widths[-1])


def build(cfg: dict, state: dict[str, Tensor]) -> Encoder:
    encoder = ENCODERS.build(cfg)
    encoder.load_state_dict(state)
    return encoder.eval()


def embedded(case: Case, state: dict[str, Tensor], images: Tensor,
             num_heads: int | None = None, **options) -> dict:
    """Config of the frozen MoCo v3 encoder in an RDM's or MAGE's file.

    Args:
        case: The case.
        state: Weights of the encoder.
        images (N, 3, H, W): In [-1, 1]; the case stores their ``rep``.
        num_heads: None where config.json does not say: the number with
            which ``rep`` comes out best, of all that divide the width.
        options: Of the encoder. Without ``with_projector``, the width of
            ``rep`` shows it.
    """
    dim = state['backbone.cls_token'].shape[-1]
    rep = case.data['rep'].flatten(1)
    width = config_of('mocov3', state, 1)['projector_dim']
    options = dict(with_projector=rep.shape[1] == width) | options

    def error(count: int) -> float:
        encoder = build({**config_of('mocov3', state, count), **options},
                        state)
        with torch.no_grad():
            return (encoder(images) - rep).abs().max().item()

    if num_heads is None:
        num_heads = min((n for n in range(1, dim + 1) if dim % n == 0),
                        key=error)
    return {**config_of('mocov3', state, num_heads), **options}


def mean_and_std(x: Tensor) -> Tensor:
    """(N, 2): of all values of each image, unbiased."""
    x = x.flatten(1)
    return torch.stack([x.mean(1), x.std(1)], 1)


@torch.no_grad()
def verify(case: Case) -> None:
    weights = Weights(case)
    state = weights[weights.form]
    encoder = build(
        config_of(weights.form, state, case.config['heads']), state)
    images = images_of(case['image_u8'])
    x = encoder.preprocess(images)
    for edge in ('top', 'bottom'):
        name = f'resized_first_{edge}'
        if name in case:
            count = case.shape(name)[2]
            rows = slice(count) if edge == 'top' else slice(-count, None)
            case.compare(name, x[:1, :, rows])
    for found in case.find(r'resized_stride(\d+)'):
        every = int(found[1])
        case.compare(found[0], x[..., ::every, ::every])
    case.compare('resized_mean_std', mean_and_std(x))
    features = encoder.features(x)
    case.compare('features', features)
    case.compare('head', encoder.head(features))
    case.compare('rep_from_head', encoder(images))
    encoder.with_projector = False
    case.compare('rep_from_features', encoder(images))
