"""What a converted part is called, told by names and shapes of its tensors.

A size that nobody published gets a name of its own: no config has it.
"""
import re
from collections.abc import Mapping

from torch import Tensor

from rcg.converters import averages, dit

# Of generators: beginning of what only those with representations have, and
# the table of labels, which has one row or is not there if there are none.
_CONDITIONS = {
    'mage': ('latent_prior_proj.', 'class_emb.weight'),
    'adm': ('rep_proj.', 'label_emb.weight'),
    'ldm': ('pretrained_encoder.', averages.LABELS),
    'dit': (dit.NULL, dit.LABELS),
}
_SIZES = {(384, 12): 's', (768, 12): 'b', (1024, 24): 'l', (1152, 28): 'xl',
          (1280, 32): 'h'}


def _depth(state: Mapping[str, Tensor], layers: str = 'blocks|layers') -> int:
    """Number of layers with an index, by what stands before it."""
    pattern = re.compile(rf'(?:^|\.)(?:{layers})\.(\d+)\.')
    return max((int(found[1]) + 1 for found in map(pattern.search, state)
                if found), default=0)


def _size(width: int, depth: int) -> str:
    return _SIZES.get((width, depth), f'{width}x{depth}')


def _vit_size(state: Mapping[str, Tensor]) -> str:
    """'s', 'b', 'l', 'h' or '{width}x{depth}'; 'unknown' if it is none."""
    token = next((name for name in state if name.endswith('cls_token')), None)
    if token is None or not _depth(state):
        return 'unknown'
    return _size(state[token].shape[-1], _depth(state))


def _dit(state: Mapping[str, Tensor]) -> str:
    """The patch size is not named for the published XL/2."""
    width, _, patch, _ = state['x_embedder.proj.weight'].shape
    stem = f'dit_{_size(width, _depth(state))}_{patch}'
    return 'dit_xl' if stem == 'dit_xl_2' else stem


def _unet(form: str, state: Mapping[str, Tensor]) -> str:
    """'adm' and 'ldm_8' as published, else '{form}_{width}x{blocks}'."""
    start = 'model.diffusion_model.' if form == 'ldm' else ''
    shape = (state[start + 'time_embed.0.weight'].shape[1],
             _depth(state, 'input_blocks'))
    full, name = {'adm': ((256, 18), 'adm'), 'ldm': ((256, 9), 'ldm_8')}[form]
    return name if shape == full else '{}_{}x{}'.format(form, *shape)


def _encoder(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in state.items()
            if name.startswith('pretrained_encoder.')}


def _generator(form: str, state: Mapping[str, Tensor]) -> str:
    """Network and condition; an unusual encoder is part of the name."""
    encoder, usual = _encoder(state), 'b'
    if form == 'mage':
        usual = _vit_size({name: tensor for name, tensor in state.items()
                           if name not in encoder})
        stem = f'mage_{usual}'
    else:
        stem = _dit(state) if form == 'dit' else _unet(form, state)
    represented, labels = _CONDITIONS[form]
    if not any(name.startswith(represented) for name in state):
        return stem + (
            '_label' if len(state.get(labels, ())) > 1 else '_uncond')
    size = _vit_size(encoder)
    return stem + f'_mocov3_vit_{size}' * (size not in (usual, 'unknown'))


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


def _tokenizer(form: str, state: Mapping[str, Tensor]) -> str:
    """Sizes are named if they are not the published ones."""
    if form.startswith('kl_f8'):
        stem = f'kl_f{2**(_depth(state, "down|down_blocks") - 1)}'
        full = (128, 4)
        shape = (len(state['encoder.conv_in.weight']),
                 len(state['post_quant_conv.weight']))
    else:
        stem, full = {'vqgan': ('maskgit_vqgan', (1024, 256)),
                      'vq_f8': ('vq_f8', (16384, 4))}[form]
        shape = tuple(state['quantize.embedding.weight'].shape)
    return stem if shape == full else '{}_{}x{}'.format(stem, *shape)


def name_part(form: str, state: Mapping[str, Tensor]) -> tuple[str, str]:
    """What a part is called here.

    Args:
        form: A key of ``FORMATS``.
        state: The whole published state dict, encoder included.

    Returns:
        (stem of the file, path of the config that fits, if there is one).
    """
    if form in _CONDITIONS:
        stem = _generator(form, state)
        return stem, f'configs/rcg/{stem}.py'
    if form == 'rdm':
        stem = _rdm(state)
        return 'rdm_' + stem, f'configs/rdm/{stem}.py'
    if form.startswith(('vq', 'kl_f8')):
        stem = _tokenizer(form, state)
        return stem, f'configs/_base_/tokenizers/{stem}.py'
    family, _, publisher = form.partition('_')
    stem = f'{family}_vit_{_vit_size(state)}'
    # MMPretrain's are other weights: they must not pass for the official.
    return (stem + (publisher and '_' + publisher),
            f'configs/_base_/encoders/{stem}.py')
