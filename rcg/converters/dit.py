"""DiT checkpoints of the published RCG code <-> :class:`DiT`.

A file holds live weights under ``model`` and averages under ``model_ema``,
with the same names. Neither includes the encoder or the tokenizer.
"""
from collections.abc import Mapping

from torch import Tensor

from rcg.converters.layout import Layout

NULL = 'fake_latent'
LABELS = 'y_embedder.embedding_table.weight'
_BLOCK = 'blocks.{0}.'
_LAYOUT = Layout(
    'a DiT checkpoint',
    names={
        'x_embedder.proj.*': 'patch_embed.*',
        't_embedder.mlp.{0}.*': 'time_embed.{0}.*',
        NULL: 'condition_embed.null_condition',
        'rep_embedder.*': 'condition_embed.condition_proj.*',
        LABELS: 'condition_embed.embedding.weight',
        **{_BLOCK + name: _BLOCK + name for name in (
            'attn.qkv.*', 'attn.proj.*', 'mlp.fc1.*', 'mlp.fc2.*')},
        _BLOCK + 'adaLN_modulation.1.*': _BLOCK + 'modulation.*',
        'final_layer.adaLN_modulation.1.*': 'output.modulation.*',
        'final_layer.linear.*': 'output.linear.*',
    },
    ignored={'pos_embed': 'fixed table, which is computed here'},
    needed={'final_layer.': "Give the file's entry 'model_ema' or 'model'."})

dit_ignored = _LAYOUT.ignored
dit_to_published = _LAYOUT.to_published


def dit_from_published(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A published ``model`` or ``model_ema`` as a state dict of our DiT.

    Every file has layers for both kinds of condition. A file with a null
    representation was trained with representations, and its labels are not
    used. All others were trained with labels; the unconditional one has a
    single label.

    Raises:
        KeyError: The file holds a tensor that no published DiT has.
    """
    unused = LABELS if NULL in state else 'rep_embedder.'
    return _LAYOUT.from_published({
        name: tensor for name, tensor in state.items()
        if not name.startswith(unused)})
