"""MAGE checkpoints of the published RCG code -> ours.

The published file also holds the frozen encoder (``pretrained_encoder.*``),
the tokenizer (``vqgan.*``) and parameters that its forward never touches.
"""
from torch import Tensor

_NAMES = (
    ('token_emb.word_embeddings.', 'embed.word.'),
    ('token_emb.position_embeddings.weight', 'embed.position'),
    ('token_emb.LayerNorm.', 'embed.norm.'),
    ('fake_latent', 'condition.null_condition'),
    ('latent_prior_proj.', 'condition.condition_proj.'),
    ('class_emb.', 'condition.embedding.'),
    ('blocks.', 'blocks.'),
    ('norm.', 'norm.'),
    ('decoder_embed.', 'decoder_embed.'),
    ('decoder_pos_embed_learned', 'decoder_position'),
    ('decoder_blocks.', 'decoder_blocks.'),
    ('decoder_norm.', 'decoder_norm.'),
    ('mlm_layer.fc.', 'head.fc.'),
    ('mlm_layer.ln.', 'head.norm.'),
    ('mlm_layer.bias', 'head.bias'),
)
_NEVER_USED = ('cls_token', 'pos_embed', 'mask_token', 'decoder_pos_embed',
               'token_emb.position_ids', 'patch_embed.proj.weight',
               'patch_embed.proj.bias', 'decoder_pred.weight',
               'decoder_pred.bias')


def mage_name(published: str) -> str | None:
    """Our name of one published tensor; None if its forward never uses it.

    Raises:
        KeyError: The published MAGE has no such tensor.
    """
    if published in _NEVER_USED:
        return None
    for theirs, ours in _NAMES:
        if published.startswith(theirs):
            return ours + published.removeprefix(theirs)
    raise KeyError(f"MAGE has no tensor '{published}'.")


def mage_from_published(state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    """The published ``model`` entry as a state dict of our MAGEViT.

    The frozen parts and what is never used are left out; so is the null
    representation of a model without representations.
    """
    with_representations = 'latent_prior_proj.weight' in state_dict
    converted = {}
    for published, tensor in state_dict.items():
        if published.startswith(('vqgan.', 'pretrained_encoder.')):
            continue
        name = mage_name(published)
        if name is None or (published == 'fake_latent'
                            and not with_representations):
            continue
        if name in ('decoder_position', 'head.bias'):
            tensor = tensor.reshape(-1, tensor.shape[-1]).squeeze(0)
        converted[name] = tensor
    return converted
