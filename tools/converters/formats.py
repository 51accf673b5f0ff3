"""Which published format a file has, told by its tensors' names and shapes.

File names are not looked at. ``FORMATS`` is the list of what is known.
"""
import re
from collections.abc import Mapping
from types import ModuleType
from typing import NamedTuple

from torch import Tensor

from . import (
    adm,
    deit,
    dino,
    ibot,
    ldm,
    mage,
    mocov3,
    mocov3_mmpretrain,
    rdm,
    vq_f8,
    vqgan,
)
from .averages import LABELS


class Format(NamedTuple):
    """A published format.

    Attributes:
        title: What such a file is.
        signs: Beginnings of names that all must occur.
        converter: Module with the functions ``{format}_from_published``,
            ``_to_published`` and ``_ignored``; None if there is none yet.
        embedded: Beginning of the names of a frozen part in the file, and
            the format and beginning of names that part has by itself.
        prefix: Of our names, within the model that holds the part.
        averages: Whether averaged weights are beside the live ones.
    """
    title: str
    signs: tuple[str, ...]
    converter: ModuleType | None = None
    embedded: Mapping[str, tuple[str, str]] = {}
    prefix: str = ''
    averages: bool = False


_ENCODER = {'pretrained_encoder.': ('mocov3', 'module.base_encoder.')}
# The first whose signs are all there is taken.
FORMATS = {
    'mage': Format('a MAGE generator of RCG',
                   ('token_emb.word_embeddings.', 'mlm_layer.bias'), mage,
                   _ENCODER | {'vqgan.': ('vqgan', '')},
                   'generator.network.'),
    'rdm': Format('an RDM of RCG', ('model.diffusion_model.res_blocks.', ),
                  rdm, _ENCODER, averages=True),
    'ldm': Format('an LDM of RCG', ('model.diffusion_model.input_blocks.', ),
                  ldm, _ENCODER | {'first_stage_model.': ('vq_f8', '')},
                  'generator.network.', averages=True),
    'mocov3': Format('a MoCo v3 encoder', ('module.base_encoder.', ), mocov3),
    'mocov3_mmpretrain': Format('a MoCo v3 encoder of MMPretrain',
                                ('backbone.layers.0.ln1.', ),
                                mocov3_mmpretrain),
    'ibot': Format('an iBOT encoder', ('backbone.cls_token', 'head.mlp.',
                                       'head.last_layer2.'), ibot),
    'dino': Format('a DINO encoder', ('backbone.cls_token', 'head.mlp.'),
                   dino),
    'dit': Format('a DiT of RCG', ('x_embedder.proj.', 'final_layer.')),
    'adm': Format('an ADM of RCG', ('input_blocks.0.', 'time_embed.0.'), adm,
                  prefix='generator.network.'),
    'vq_f8': Format("LDM's VQ-f8 tokenizer",
                    ('quantize.embedding.', 'quant_conv.'), vq_f8),
    'vqgan': Format("MAGE's VQGAN tokenizer",
                    ('quantize.embedding.', 'encoder.mid.block_1.'), vqgan),
    'deit': Format('a DeiT encoder', ('cls_token', 'blocks.0.attn.qkv.',
                                      'head.weight'), deit),
}
_OURS = ' of this project, which needs no conversion'
# What comes near and is of no use here, and why.
_WRONG = {
    ('module.cls_token', ): 'a linear classifier on MoCo v3: take the '
                            'pre-training file, which has the projector',
    ('cls_token', 'blocks.0.attn.qkv.'): 'a bare vision transformer: take '
    'the full file of the pre-training, which has the projector, or use '
    'TimmEncoder',
    ('quant_conv.', 'encoder.mid.block_1.'): 'a tokenizer without codebook '
    '(KL), which this version does not convert',
    ('denoiser.', ): 'an RDM' + _OURS,
    ('generator.network.', ): 'a generator' + _OURS,
    ('backbone.cls_token', 'head.'): 'an encoder' + _OURS,
    ('quantizer.codebook', ): 'a tokenizer' + _OURS,
}
# Tensors of generators that have a representation, or labels.
_CONDITIONS = {'mage': ('latent_prior_proj.weight', 'class_emb.weight'),
               'adm': ('rep_proj.weight', 'label_emb.weight')}
_SIZES = {(384, 12): 's', (768, 12): 'b', (1024, 24): 'l', (1280, 32): 'h'}


def _has(names, signs: tuple[str, ...]) -> bool:
    return all(any(name.startswith(sign) for name in names)
               for sign in signs)


def recognize(names) -> str:
    """The format whose tensors have these names.

    Raises:
        ValueError: None that is known; says what it looks like.
    """
    names = [name for name in names if isinstance(name, str)]
    for name, known in FORMATS.items():
        if _has(names, known.signs):
            return name
    wrong = next((text for signs, text in _WRONG.items()
                  if _has(names, signs)), None)
    heads = sorted({name.partition('.')[0] for name in names})[:8]
    raise ValueError(
        f'It looks like {wrong}.' if wrong else
        'Its format is not known; its names start with '
        f'{", ".join(heads) or "nothing"}. Known are: '
        f'{", ".join(known.title for known in FORMATS.values())}.')


def _size(state: Mapping[str, Tensor]) -> str:
    """'s', 'b', 'l', 'h' or '{width}x{depth}' of a transformer."""
    token = next((name for name in state if name.endswith('cls_token')), None)
    depths = [int(found[1]) + 1 for found in (
        re.search(r'(?:^|\.)(?:blocks|layers)\.(\d+)\.', name)
        for name in state) if found]
    if token is None or not depths:
        return 'unknown'
    shape = (state[token].shape[-1], max(depths))
    return _SIZES.get(shape, '{}x{}'.format(*shape))


def _unet_size(form: str, state: Mapping[str, Tensor]) -> str:
    """'adm' and 'ldm_8' as published, else '{form}_{width}x{blocks}'."""
    start = 'model.diffusion_model.' if form == 'ldm' else ''
    width = state[start + 'time_embed.0.weight'].shape[1]
    blocks = 1 + max(int(found[1]) for found in (
        re.match(re.escape(start) + r'input_blocks\.(\d+)\.', name)
        for name in state) if found)
    full, name = {'adm': ((256, 18), 'adm'), 'ldm': ((256, 9), 'ldm_8')}[form]
    return name if (width, blocks) == full else f'{form}_{width}x{blocks}'


def _encoder(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in state.items()
            if name.startswith('pretrained_encoder.')}


def _suffix(form: str, state: Mapping[str, Tensor]) -> str:
    """'' for a generator with representations, '_label' or '_uncond'."""
    if form == 'ldm':
        represented, labelled = bool(_encoder(state)), len(state[LABELS]) > 1
    else:
        represented, labelled = (name in state for name in _CONDITIONS[form])
    return '' if represented else '_label' if labelled else '_uncond'


def _generator(form: str, state: Mapping[str, Tensor]) -> str:
    """Stem of a generator; an unusual encoder is part of it."""
    encoder, suffix = _encoder(state), _suffix(form, state)
    if form == 'mage':
        usual = _size({name: tensor for name, tensor in state.items()
                       if name not in encoder})
        stem = f'mage_{usual}'
    else:
        usual, stem = 'b', _unet_size(form, state)
    if not suffix and _size(encoder) not in (usual, 'unknown'):
        suffix = f'_mocov3_vit_{_size(encoder)}'
    return stem + suffix


def name_part(form: str, state: Mapping[str, Tensor]) -> tuple[str, str]:
    """What a part is called here.

    Args:
        form: A key of ``FORMATS``.
        state: The whole published state dict, encoder included.

    Returns:
        (stem of the file, path of the config that fits). A size that nobody
        published gets a name of its own, and no config of that name exists.
    """
    if form in ('mage', 'adm', 'ldm'):
        stem = _generator(form, state)
        return stem, f'configs/rcg/{stem}.py'
    if form == 'rdm':
        stem = f'mocov3_vit_{_size(_encoder(state))}'
        if any('.context_layers.' in name for name in state):
            stem += '_class_cond'
        return 'rdm_' + stem, f'configs/rdm/{stem}.py'
    if form in ('vqgan', 'vq_f8'):
        stem, full = {'vqgan': ('maskgit_vqgan', (1024, 256)),
                      'vq_f8': ('vq_f8', (16384, 4))}[form]
        shape = tuple(state['quantize.embedding.weight'].shape)
        stem += '' if shape == full else '_{}x{}'.format(*shape)
        return stem, f'configs/_base_/tokenizers/{stem}.py'
    family, _, publisher = form.partition('_')
    stem = f'{family}_vit_{_size(state)}'
    # MMPretrain's are other weights: they must not pass for the official.
    return (stem + (publisher and '_' + publisher),
            f'configs/_base_/encoders/{stem}.py')
