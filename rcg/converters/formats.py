"""Which published format a file has, told by its tensors' names and shapes.

File names are not looked at. ``FORMATS`` is the list of what is known.
"""
import re
from collections.abc import Mapping
from types import ModuleType
from typing import NamedTuple

from torch import Tensor

from . import (
    deit,
    dino,
    dit,
    ibot,
    kl_f8,
    mage,
    mocov3,
    mocov3_mmpretrain,
    rdm,
    vq_f8,
    vqgan,
)


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
    """
    title: str
    signs: tuple[str, ...]
    converter: ModuleType | None = None
    embedded: Mapping[str, tuple[str, str]] = {}
    prefix: str = ''


_ENCODER = {'pretrained_encoder.': ('mocov3', 'module.base_encoder.')}
# The first whose signs are all there is taken.
FORMATS = {
    'mage': Format('a MAGE generator of RCG',
                   ('token_emb.word_embeddings.', 'mlm_layer.bias'), mage,
                   _ENCODER | {'vqgan.': ('vqgan', '')},
                   'generator.network.'),
    'rdm': Format('an RDM of RCG', ('model.diffusion_model.res_blocks.', ),
                  rdm, _ENCODER),
    'ldm': Format('an LDM of RCG', ('model.diffusion_model.input_blocks.', )),
    'mocov3': Format('a MoCo v3 encoder', ('module.base_encoder.', ), mocov3),
    'mocov3_mmpretrain': Format('a MoCo v3 encoder of MMPretrain',
                                ('backbone.layers.0.ln1.', ),
                                mocov3_mmpretrain),
    'ibot': Format('an iBOT encoder', ('backbone.cls_token', 'head.mlp.',
                                       'head.last_layer2.'), ibot),
    'dino': Format('a DINO encoder', ('backbone.cls_token', 'head.mlp.'),
                   dino),
    'dit': Format('a DiT of RCG', ('x_embedder.proj.', 'rep_embedder.',
                                   'final_layer.'), dit,
                  prefix='generator.network.'),
    'adm': Format('an ADM of RCG', ('input_blocks.0.', 'time_embed.0.')),
    'vq_f8': Format("LDM's VQ-f8 tokenizer",
                    ('quantize.embedding.', 'quant_conv.'), vq_f8),
    'kl_f8': Format("Stable Diffusion's KL-f8 tokenizer",
                    ('quant_conv.', 'encoder.mid.block_1.'), kl_f8),
    'kl_f8_diffusers': Format("Stable Diffusion's KL-f8 tokenizer, as "
                              'diffusers names it',
                              ('quant_conv.', 'encoder.down_blocks.0.'),
                              kl_f8),
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
    ('x_embedder.proj.', 'final_layer.'): 'a DiT as its authors published '
    "it, whose GELU has the tanh form: RCG's DiT was trained anew",
    ('denoiser.', ): 'an RDM' + _OURS,
    ('generator.network.', ): 'a generator' + _OURS,
    ('backbone.cls_token', 'head.'): 'an encoder' + _OURS,
    ('encoder.levels.', ): 'a tokenizer' + _OURS,
}
_NESTINGS = ('state_dict', 'model', 'teacher')
_SIZES = {(384, 12): 's', (768, 12): 'b', (1024, 24): 'l', (1152, 28): 'xl',
          (1280, 32): 'h'}


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


def describe(names, path: str) -> str:
    """What a file that does not fit is instead; '' if that is not known."""
    try:
        form = recognize(names)
    except ValueError as error:
        return f' {error}' if 'looks like' in str(error) else ''
    return (f' It looks like {FORMATS[form].title} as published. Convert it '
            'and give the converted file: '
            f'python tools/convert_checkpoint.py {path}')


def find_weights(content: Mapping) -> tuple[str, Mapping]:
    """Where in a published file the weights are.

    Returns:
        (key, state dict); the key is '' if the file is a bare state dict.
    """
    for key in _NESTINGS:
        state = content.get(key)
        if isinstance(state, Mapping) and any(
                isinstance(value, Tensor) for value in state.values()):
            return key, state
    return '', content


def _size(state: Mapping[str, Tensor]) -> str:
    """'s', 'b', 'l', 'h' or '{width}x{depth}' of a transformer."""
    token = next((name for name in state if name.endswith('cls_token')), None)
    if token is None or not _depth(state):
        return 'unknown'
    return _named(state[token].shape[-1], _depth(state))


def _depth(state: Mapping[str, Tensor]) -> int:
    return max((int(found[1]) + 1 for found in (
        re.search(r'(?:^|\.)(?:blocks|layers)\.(\d+)\.', name)
        for name in state) if found), default=0)


def _named(width: int, depth: int) -> str:
    return _SIZES.get((width, depth), f'{width}x{depth}')


def _dit(state: Mapping[str, Tensor]) -> str:
    """Stem of a DiT; the patch size is not named for the published XL/2."""
    width, _, patch, _ = state['x_embedder.proj.weight'].shape
    stem = f'dit_{_named(width, _depth(state))}_{patch}'
    stem = 'dit_xl' if stem == 'dit_xl_2' else stem
    if dit.NULL in state:
        return stem
    return stem + ('_label' if len(state[dit.LABELS]) > 1 else '_uncond')


def _kl(state: Mapping[str, Tensor]) -> str:
    """Stem of a KL tokenizer; width and channels if not as published."""
    levels = {found[1] for found in (re.match(
        r'encoder\.down(?:_blocks)?\.(\d+)\.', name) for name in state)
        if found}
    stem = f'kl_f{2**(len(levels) - 1)}'
    shape = (len(state['encoder.conv_in.weight']),
             len(state['post_quant_conv.weight']))
    return stem + ('' if shape == (128, 4) else '_{}x{}'.format(*shape))


def name_part(form: str, state: Mapping[str, Tensor]) -> tuple[str, str]:
    """What a part is called here.

    Args:
        form: A key of ``FORMATS``.
        state: The whole published state dict, encoder included.

    Returns:
        (stem of the file, path of the config that fits). A size that nobody
        published gets a name of its own, and no config of that name exists.
    """
    encoder = _size({name: tensor for name, tensor in state.items()
                     if name.startswith('pretrained_encoder.')})
    if form == 'mage':
        size = _size({name: tensor for name, tensor in state.items()
                      if not name.startswith('pretrained_encoder.')})
        stem = f'mage_{size}'
        if 'latent_prior_proj.weight' not in state:
            stem += '_label' if 'class_emb.weight' in state else '_uncond'
        elif encoder not in (size, 'unknown'):
            stem += f'_mocov3_vit_{encoder}'
        return stem, f'configs/rcg/{stem}.py'
    if form == 'dit':
        stem = _dit(state)
        return stem, f'configs/rcg/{stem}.py'
    if form == 'rdm':
        stem = f'mocov3_vit_{encoder}'
        if any('.context_layers.' in name for name in state):
            stem += '_class_cond'
        return 'rdm_' + stem, f'configs/rdm/{stem}.py'
    if form in ('vqgan', 'vq_f8'):
        stem, full = {'vqgan': ('maskgit_vqgan', (1024, 256)),
                      'vq_f8': ('vq_f8', (16384, 4))}[form]
        shape = tuple(state['quantize.embedding.weight'].shape)
        stem += '' if shape == full else '_{}x{}'.format(*shape)
        return stem, f'configs/_base_/tokenizers/{stem}.py'
    if form.startswith('kl_f8'):
        stem = _kl(state)
        return stem, f'configs/_base_/tokenizers/{stem}.py'
    family, _, publisher = form.partition('_')
    stem = f'{family}_vit_{_size(state)}'
    # MMPretrain's are other weights: they must not pass for the official.
    return (stem + (publisher and '_' + publisher),
            f'configs/_base_/encoders/{stem}.py')
