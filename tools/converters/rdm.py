"""RDM checkpoints of the published code <-> :class:`rcg.models.RDM`.

The published file holds ``model.diffusion_model.*`` (live weights),
``model_ema.*`` (averages, dots removed from the names), the label embedding,
the schedule's buffers and the frozen encoder.
"""
from collections.abc import Mapping

from torch import Tensor

from .layout import Layout

_LIVE, _AVERAGE = 'model.diffusion_model.', 'model_ema.diffusion_model'
_LABELS = 'label_embed.weight'
_BLOCK = 'res_blocks.{0}.'
_NETWORK = {
    'time_embed.{0}.*': 'time_embed.{0}.*',
    'input_proj.*': 'input_proj.*',
    _BLOCK + 'in_layers.0.*': 'blocks.{0}.norm1.*',
    _BLOCK + 'in_layers.2.*': 'blocks.{0}.fc1.*',
    _BLOCK + 'emb_layers.1.*': 'blocks.{0}.time_proj.*',
    _BLOCK + 'context_layers.1.*': 'blocks.{0}.context_proj.*',
    _BLOCK + 'out_layers.0.*': 'blocks.{0}.norm2.*',
    _BLOCK + 'out_layers.3.*': 'blocks.{0}.fc2.*',
    'out.0.*': 'norm.*',
    'out.2.*': 'output_proj.*',
}
_SCHEDULE = ('betas', 'alphas_cumprod', 'sqrt_', 'log_one_minus_alphas_cum',
             'posterior_', 'lvlb_weights')
_LAYOUT = Layout(
    'an RDM checkpoint',
    names={
        **{_LIVE + theirs: 'denoiser.' + ours
           for theirs, ours in _NETWORK.items()},
        'cond_stage_model.embedding.weight': _LABELS,
    },
    ignored={
        **dict.fromkeys(_SCHEDULE, 'noise schedule, which is computed here'),
        'model_ema.decay': 'state of the averaging',
        'model_ema.num_updates': 'state of the averaging',
        'pretrained_encoder.': 'the frozen encoder, a part of its own',
    },
    needed={_LIVE: "Give the file's entry 'model'."})


def _average_of(live: str) -> str:
    return _AVERAGE + live.removeprefix(_LIVE).replace('.', '')


def rdm_ignored(name: str, averaged: bool = True) -> str | None:
    """See :meth:`Layout.ignored`; ``averaged`` says which weights are used.

    The label embedding of an unconditional RDM, one row that its network
    does not look at, is not used either; its name does not show it.
    """
    if name.startswith(_AVERAGE):
        return None if averaged else 'averaged weights; live ones are taken'
    reason = _LAYOUT.ignored(name)
    if averaged and name.startswith(_LIVE):
        return 'live weights; samples are drawn with the averaged ones'
    return reason


def rdm_from_published(state: Mapping[str, Tensor],
                       averaged: bool = True) -> dict[str, Tensor]:
    """The published ``model`` entry as a state dict of our RDM.

    Args:
        state: Published names.
        averaged: Take the averaged weights, which published samples use
            (the label embedding has no average), or the live ones.

    Returns:
        ``denoiser.*`` and, for a class-conditional RDM, ``label_embed.*``.

    Raises:
        KeyError: A tensor is unknown, or has no average.
    """
    converted = _LAYOUT.from_published({
        name: tensor for name, tensor in state.items()
        if not name.startswith(_AVERAGE)
    })
    if not any('.context_proj.' in name for name in converted):
        converted.pop(_LABELS, None)
    if averaged:
        for name, live in zip(converted, _LAYOUT.to_published(converted),
                              strict=True):
            average = _average_of(live)
            if name != _LABELS and average not in state:
                raise KeyError(f"the RDM file has no '{average}', the "
                               f"average of '{live}'; its live weights "
                               'could be taken.')
            converted[name] = state[live if name == _LABELS else average]
    return converted


def rdm_to_published(state: Mapping[str, Tensor],
                     averaged: bool = True) -> dict[str, Tensor]:
    """The way back of :func:`rdm_from_published`: averages or live ones."""
    return {
        _average_of(name) if averaged and name.startswith(_LIVE) else name:
        tensor for name, tensor in _LAYOUT.to_published(state).items()
    }
