"""MAGE checkpoints of the published RCG code <-> :class:`MAGEViT`.

A file also holds the frozen encoder (``pretrained_encoder.*``), the tokenizer
(``vqgan.*``) and parameters that the published forward pass never uses.
"""
from collections.abc import Mapping

from torch import Tensor

from rcg.converters.layout import VIT, Layout

_BLOCKS = [name for name in VIT if name.startswith('blocks.')]
_NEVER = 'its forward pass never uses it'
_LAYOUT = Layout(
    'a MAGE checkpoint',
    names={
        'token_emb.word_embeddings.*': 'embed.word.*',
        'token_emb.position_embeddings.weight': 'embed.position',
        'token_emb.LayerNorm.*': 'embed.norm.*',
        'fake_latent': 'condition_embed.null_condition',
        'latent_prior_proj.*': 'condition_embed.condition_proj.*',
        'class_emb.*': 'condition_embed.embedding.*',
        **{name: name for name in _BLOCKS},
        'norm.*': 'norm.*',
        'decoder_embed.*': 'decoder_embed.*',
        'decoder_pos_embed_learned': 'decoder_position',
        **{'decoder_' + name: 'decoder_' + name for name in _BLOCKS},
        'decoder_norm.*': 'decoder_norm.*',
        'mlm_layer.fc.*': 'head.fc.*',
        'mlm_layer.ln.*': 'head.norm.*',
        'mlm_layer.bias': 'head.bias',
    },
    ignored={
        **dict.fromkeys(('cls_token', 'pos_embed', 'mask_token',
                         'patch_embed.', 'decoder_pred.'), _NEVER),
        'token_emb.position_ids': 'the numbers 0, 1, 2, ...',
        'pretrained_encoder.': 'the frozen encoder, a part of its own',
        'vqgan.': 'the frozen tokenizer, a part of its own',
    },
    needed={'mlm_layer.': "Give the file's entry 'model'."})


def mage_ignored(name: str) -> str | None:
    """See :meth:`Layout.ignored`.

    This goes by the name alone: ``fake_latent`` counts as used, although
    models without representations do not use it.
    """
    return _NEVER if name == 'decoder_pos_embed' else _LAYOUT.ignored(name)


def mage_from_published(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The published ``model`` entry as a state dict of our MAGEViT.

    Raises:
        KeyError: The file holds a tensor that no published MAGE has.
    """
    unused = {'decoder_pos_embed'}
    if 'latent_prior_proj.weight' not in state:
        unused.add('fake_latent')
    converted = _LAYOUT.from_published(
        {name: tensor for name, tensor in state.items()
         if name not in unused})
    for name in {'decoder_position', 'head.bias'} & converted.keys():
        tensor = converted[name]  # published with leading axes of size 1
        converted[name] = tensor.reshape(-1, tensor.shape[-1]).squeeze(0)
    return converted


def mage_to_published(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The inverse of :func:`mage_from_published`, for the tensors it keeps."""
    published = _LAYOUT.to_published(state)
    for name in {'decoder_pos_embed_learned',
                 'mlm_layer.bias'} & published.keys():
        tensor = published[name]
        published[name] = tensor.reshape(1, -1, tensor.shape[-1])
    return published
