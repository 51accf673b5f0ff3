"""The published formats, and which of them a file has.

The names of its tensors tell; the name of the file does not count.
"""
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import NamedTuple

from rcg.converters import (
    adm,
    deit,
    dino,
    dit,
    ibot,
    kl_f8,
    ldm,
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
        title: What such a file is, for messages.
        signs: Prefixes. A file of this format has tensors with each.
        converter: Module with the functions ``{format}_from_published``,
            ``{format}_to_published`` and ``{format}_ignored``.
        role: What it is in a model: encoder, tokenizer, rdm or generator.
        embedded: Frozen parts that such a file may hold. Prefix of the
            part's names there: its own format, and the prefix that its names
            have in a file of that format.
        prefix: Prefix of our names in the model that holds the part.
        averages: Whether averaged weights stand beside the live ones.
    """
    title: str
    signs: tuple[str, ...]
    converter: ModuleType
    role: str = 'encoder'
    embedded: Mapping[str, tuple[str, str]] = {}
    prefix: str = ''
    averages: bool = False


_ENCODER = {'pretrained_encoder.': ('mocov3', 'module.base_encoder.')}
_IN_GENERATOR = dict(role='generator', prefix='generator.network.')
# A file has the first format whose signs are all there.
FORMATS = {
    'mage': Format('a MAGE generator of RCG',
                   ('token_emb.word_embeddings.', 'mlm_layer.bias'), mage,
                   embedded=_ENCODER | {'vqgan.': ('vqgan', '')},
                   **_IN_GENERATOR),
    'rdm': Format('an RDM of RCG', ('model.diffusion_model.res_blocks.', ),
                  rdm, 'rdm', embedded=_ENCODER, averages=True),
    'ldm': Format('an LDM of RCG', ('model.diffusion_model.input_blocks.', ),
                  ldm, averages=True,
                  embedded=_ENCODER | {'first_stage_model.': ('vq_f8', '')},
                  **_IN_GENERATOR),
    'mocov3': Format('a MoCo v3 encoder', ('module.base_encoder.', ), mocov3),
    'mocov3_mmpretrain': Format('a MoCo v3 encoder of MMPretrain',
                                ('backbone.layers.0.ln1.', ),
                                mocov3_mmpretrain),
    'ibot': Format('an iBOT encoder', ('backbone.cls_token', 'head.mlp.',
                                       'head.last_layer2.'), ibot),
    'dino': Format('a DINO encoder', ('backbone.cls_token', 'head.mlp.'),
                   dino),
    'dit': Format('a DiT of RCG', ('x_embedder.proj.', 'rep_embedder.',
                                   'final_layer.'), dit, **_IN_GENERATOR),
    'adm': Format('an ADM of RCG', ('input_blocks.0.', 'time_embed.0.'), adm,
                  **_IN_GENERATOR),
    'vq_f8': Format("LDM's VQ-f8 tokenizer",
                    ('quantize.embedding.', 'quant_conv.'), vq_f8,
                    'tokenizer'),
    'kl_f8': Format("Stable Diffusion's KL-f8 tokenizer",
                    ('quant_conv.', 'encoder.mid.block_1.'), kl_f8,
                    'tokenizer'),
    'kl_f8_diffusers': Format("Stable Diffusion's KL-f8 tokenizer, as "
                              'diffusers names it',
                              ('quant_conv.', 'encoder.down_blocks.0.'),
                              kl_f8, 'tokenizer'),
    'vqgan': Format("MAGE's VQGAN tokenizer",
                    ('quantize.embedding.', 'encoder.mid.block_1.'), vqgan,
                    'tokenizer'),
    'deit': Format('a DeiT encoder', ('cls_token', 'blocks.0.attn.qkv.',
                                      'head.weight'), deit),
}
_OURS = ' of this project, which needs no conversion'
# Signs of files that are mistaken for one of these: what to do instead.
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
    ('down.levels.', ): 'a tokenizer' + _OURS,
}


def _has(names: Iterable[str], signs: tuple[str, ...]) -> bool:
    return all(any(name.startswith(sign) for name in names)
               for sign in signs)


def recognize(names: Iterable[str]) -> str:
    """The format of a file, by the names of its tensors.

    Raises:
        ValueError: It is none that is known. The message says what it looks
            like.
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
