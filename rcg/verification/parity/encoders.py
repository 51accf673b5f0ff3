"""Cases ``enc_*``, and the encoders inside other published files."""
import math

import torch
from torch import Tensor

from rcg.models.encoders.base import Encoder
from rcg.registry import ENCODERS, MODELS
from rcg.verification.parity.case import Case, here
from rcg.verification.parity.weights import Weights

TYPES = {'mocov3': 'MoCoV3ViT', 'mocov3_mmpretrain': 'MoCoV3ViT',
         'dino': 'DINOViT', 'ibot': 'DINOViT', 'deit': 'DeiTViT'}


def images_of(pixels: Tensor) -> Tensor:
    """Uint8 images -> images in [-1, 1], as the models get them."""
    preprocessor = here(MODELS.build(dict(type='ImagePreprocessor')))
    return preprocessor(dict(images=pixels))['images']


def config_of(kind: str, state: dict[str, Tensor], num_heads: int) -> dict:
    """Config of the encoder that has these weights.

    The weights determine all but the number of heads.
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
    encoder = here(ENCODERS.build(cfg))
    encoder.load_state_dict(state)
    return encoder.eval()


def embedded(case: Case, state: dict[str, Tensor], images: Tensor,
             num_heads: int | None = None,
             with_projector: bool | None = None,
             rep: Tensor | None = None) -> dict:
    """Config of the frozen MoCo v3 encoder in an RDM's or MAGE's file.

    Where config.json does not give an option (None), that value is taken
    which reproduces the stored representations best.

    Args:
        case: The case.
        state: Weights of the encoder.
        images (N, 3, H, W): In [-1, 1].
        num_heads: Attention heads of the ViT; they divide its width.
        with_projector: Whether representations come from the projector.
        rep: Representations of ``images``; by default the case's ``rep``.

    Raises:
        ValueError: Representations have the width neither of the projector
            nor of the features.
    """
    if rep is None:
        rep = case.data['rep']
    rep = rep.flatten(1)
    candidates = _candidates(state, rep.shape[1], num_heads, with_projector)
    with torch.no_grad():
        errors = [(build(cfg, state)(images) - rep).abs().max().item()
                  for cfg in candidates]
    return candidates[errors.index(min(errors))]


def _candidates(state: dict[str, Tensor], rep_dim: int, num_heads: int | None,
                with_projector: bool | None) -> list[dict]:
    dim = state['backbone.cls_token'].shape[-1]
    counts = [num_heads]
    if num_heads is None:
        counts = [n for n in range(1, dim + 1) if dim % n == 0]
    widths = {True: config_of('mocov3', state, 1)['projector_dim'],
              False: dim}
    flags = [flag for flag in widths if with_projector in (None, flag)
             and widths[flag] == rep_dim]
    if not flags:
        raise ValueError(f'rep has {rep_dim} values; the encoder gives '
                         f'{widths[True]} with its projector, {dim} without.')
    return [dict(config_of('mocov3', state, count), with_projector=flag)
            for flag in flags for count in counts]


def mean_and_std(x: Tensor) -> Tensor:
    """(N, 2): mean and unbiased deviation of all values of each image."""
    x = x.flatten(1)
    return torch.stack([x.mean(1), x.std(1)], 1)


@torch.no_grad()
def verify(case: Case) -> None:
    weights = Weights(case)
    state = weights[weights.format]
    encoder = build(
        config_of(weights.format, state, case.config['heads']), state)
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
