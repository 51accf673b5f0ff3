"""RDM checkpoints of the published code -> ours.

The published file holds ``model.diffusion_model.*`` (live weights),
``model_ema.*`` (averages, dots removed from the names), the label embedding,
the schedule's buffers and the frozen encoder.
"""
from torch import Tensor

_NAMES = (
    ('time_embed.', 'time_embed.'),
    ('input_proj.', 'input_proj.'),
    ('out.0.', 'norm.'),
    ('out.2.', 'output_proj.'),
)
_BLOCK_NAMES = (
    ('in_layers.0.', 'norm1.'),
    ('in_layers.2.', 'fc1.'),
    ('emb_layers.1.', 'time_proj.'),
    ('context_layers.1.', 'context_proj.'),
    ('out_layers.0.', 'norm2.'),
    ('out_layers.3.', 'fc2.'),
)


def denoiser_name(published: str) -> str:
    """Our name of one tensor of ``model.diffusion_model``.

    Raises:
        KeyError: The published network has no such tensor.
    """
    names, head = _NAMES, ''
    if published.startswith('res_blocks.'):
        _, index, published = published.split('.', 2)
        names, head = _BLOCK_NAMES, f'blocks.{index}.'
    for theirs, ours in names:
        if published.startswith(theirs):
            return head + ours + published.removeprefix(theirs)
    raise KeyError(f"the RDM's network has no tensor '{published}'.")


def rdm_from_published(state_dict: dict[str, Tensor],
                averaged: bool = True) -> dict[str, Tensor]:
    """The published ``model`` entry as a state dict of our RDM.

    Args:
        state_dict: Published names.
        averaged: Take the averaged weights, which published samples use
            (the label embedding has no average), or the live ones.

    Returns:
        ``denoiser.*`` and, for a class-conditional RDM, ``label_embed.*``.
        The encoder, the buffers and the unused one-row label embedding of
        the unconditional RDM are left out.
    """
    live = 'model.diffusion_model.'
    converted = {}
    for name, tensor in state_dict.items():
        if name.startswith(live):
            short = name.removeprefix(live)
            if averaged:
                tensor = state_dict['model_ema.diffusion_model'
                                    + short.replace('.', '')]
            converted['denoiser.' + denoiser_name(short)] = tensor
    if any('context_proj' in name for name in converted):
        converted['label_embed.weight'] = state_dict[
            'cond_stage_model.embedding.weight']
    return converted
