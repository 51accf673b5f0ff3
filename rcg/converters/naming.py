"""The name of a converted part, from names and shapes of its tensors.

A part whose size nobody published gets a name that no config has.
"""
import re
from collections.abc import Mapping

from torch import Tensor

from rcg.converters import averages, dit

# Of each generator: prefix of the tensors that only those conditioned on
# representations have, and name of the label table. Without labels, the table
# has one row or is missing.
_CONDITIONS = {
    'mage': ('latent_prior_proj.', 'class_emb.weight'),
    'adm': ('rep_proj.', 'label_emb.weight'),
    'ldm': ('pretrained_encoder.', averages.LABELS),
    'dit': (dit.NULL, dit.LABELS),
}
# (width, depth) of a transformer: its usual letter.
_SIZES = {(384, 12): 's', (768, 12): 'b', (1024, 24): 'l', (1152, 28): 'xl',
          (1280, 32): 'h'}


def _depth(state: Mapping[str, Tensor], layers: str = 'blocks|layers') -> int:
    """Number of layers; ``layers`` says what stands before their index."""
    pattern = re.compile(rf'(?:^|\.)(?:{layers})\.(\d+)\.')
    return max((int(found[1]) + 1 for found in map(pattern.search, state)
                if found), default=0)


def _size(width: int, depth: int) -> str:
    return _SIZES.get((width, depth), f'{width}x{depth}')


def _vit_size(state: Mapping[str, Tensor]) -> str:
    """'b', 'l', ... or '{width}x{depth}'; 'unknown': no class token."""
    token = next((name for name in state if name.endswith('cls_token')), None)
    if token is None or not _depth(state):
        return 'unknown'
    return _size(state[token].shape[-1], _depth(state))


def _dit(state: Mapping[str, Tensor]) -> str:
    """'dit_xl' as published, else 'dit_{size}_{patch size}'."""
    width, _, patch, _ = state['x_embedder.proj.weight'].shape
    stem = f'dit_{_size(width, _depth(state))}_{patch}'
    return 'dit_xl' if stem == 'dit_xl_2' else stem


def _unet(format: str, state: Mapping[str, Tensor]) -> str:
    """'adm' or 'ldm_8' as published, else '{format}_{width}x{blocks}'."""
    start = 'model.diffusion_model.' if format == 'ldm' else ''
    shape = (state[start + 'time_embed.0.weight'].shape[1],
             _depth(state, 'input_blocks'))
    full, name = {'adm': ((256, 18), 'adm'),
                  'ldm': ((256, 9), 'ldm_8')}[format]
    return name if shape == full else f'{format}_{shape[0]}x{shape[1]}'


def _encoder(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in state.items()
            if name.startswith('pretrained_encoder.')}


def _generator(format: str, state: Mapping[str, Tensor]) -> str:
    """Network and condition, and the encoder if it is not the usual one."""
    encoder, usual = _encoder(state), 'b'
    if format == 'mage':
        usual = _vit_size({name: tensor for name, tensor in state.items()
                           if name not in encoder})
        stem = f'mage_{usual}'
    else:
        stem = _dit(state) if format == 'dit' else _unet(format, state)
    represented, labels = _CONDITIONS[format]
    if not any(name.startswith(represented) for name in state):
        return stem + (
            '_label' if len(state.get(labels, ())) > 1 else '_uncond')
    size = _vit_size(encoder)
    if size in (usual, 'unknown'):
        return stem
    return f'{stem}_mocov3_vit_{size}'


def _rdm(state: Mapping[str, Tensor]) -> str:
    """Sizes of the network are named if they are not the published ones.

    They are the widths of the residual stream and of the representation,
    the number of blocks, the widths inside a block and of the time
    embedding, and the shape of the table of labels, if the network has one.
    """
    encoder = _vit_size(_encoder(state))
    stem = f'mocov3_vit_{encoder}'
    start = 'model.diffusion_model.'
    hidden = state[start + 'res_blocks.0.in_layers.2.weight'].shape[0]
    width, rep_dim = state[start + 'input_proj.weight'].shape
    depth = _depth(state, 'res_blocks')
    sizes = [width, rep_dim, depth, hidden,
             state[start + 'time_embed.0.weight'].shape[0]]
    full = [1536, 256, 12, 1536, 256]
    if any('.context_layers.' in name for name in state):
        stem += '_class_cond'
        sizes += state[averages.LABELS].shape
        full += [1000, 512]
    # A size of the encoder that nobody published is named already.
    if encoder not in _SIZES.values() or sizes == full:
        return stem
    stem += f'_{width}x{depth}'
    return stem if hidden == width else f'{stem}x{hidden}'


def _tokenizer(format: str, state: Mapping[str, Tensor]) -> str:
    """Tokenizer, and its size if it is not the published one."""
    if format.startswith('kl_f8'):
        stem = f'kl_f{2**(_depth(state, "down|down_blocks") - 1)}'
        full = (128, 4)
        shape = (len(state['encoder.conv_in.weight']),
                 len(state['post_quant_conv.weight']))
    else:
        stem, full = {'vqgan': ('maskgit_vqgan', (1024, 256)),
                      'vq_f8': ('vq_f8', (16384, 4))}[format]
        shape = tuple(state['quantize.embedding.weight'].shape)
    return stem if shape == full else f'{stem}_{shape[0]}x{shape[1]}'


def name_part(format: str, state: Mapping[str, Tensor]) -> tuple[str, str]:
    """Name a part, and the config that belongs to it.

    Args:
        format: A key of ``FORMATS``.
        state: The whole published state dict, encoder included.

    Returns:
        Stem of its file here, and path of the config.
    """
    if format in _CONDITIONS:
        stem = _generator(format, state)
        return stem, f'configs/rcg/{stem}.py'
    if format == 'rdm':
        stem = _rdm(state)
        return 'rdm_' + stem, f'configs/rdm/{stem}.py'
    if format.startswith(('vq', 'kl_f8')):
        stem = _tokenizer(format, state)
        return stem, f'configs/_base_/tokenizers/{stem}.py'
    family, _, publisher = format.partition('_')
    stem = f'{family}_vit_{_vit_size(state)}'
    # MMPretrain's are other weights: they must not pass for the official.
    config = f'configs/_base_/encoders/{stem}.py'
    return (f'{stem}_{publisher}' if publisher else stem), config
