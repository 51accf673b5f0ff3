"""Files that hold live weights and their averages: the RDM's and LDM's.

Both hold live weights (``model.diffusion_model.*``), their averages
(``model_ema.*``, with the dots removed from the names), a label embedding
without average, and the buffers of the noise schedule.
"""
from collections.abc import Mapping

from torch import Tensor

from rcg.converters.layout import Layout

LABELS = 'cond_stage_model.embedding.weight'
_LIVE, _AVERAGE = 'model.diffusion_model.', 'model_ema.diffusion_model'
_SCHEDULE = ('betas', 'alphas_cumprod', 'sqrt_', 'log_one_minus_alphas_cum',
             'posterior_', 'lvlb_weights')
_IGNORED = {
    **dict.fromkeys(_SCHEDULE, 'noise schedule, which is computed here'),
    'model_ema.decay': 'state of the averaging',
    'model_ema.num_updates': 'state of the averaging',
    'pretrained_encoder.': 'the frozen encoder, a part of its own',
    'first_stage_model.': 'the frozen tokenizer, a part of its own',
}


def _average_of(live: str) -> str:
    return _AVERAGE + live.removeprefix(_LIVE).replace('.', '')


class AveragedLayout:
    """Renames live weights or averages to ours and back.

    The methods do what those of :class:`Layout` do. Their argument
    ``averaged`` chooses the averages, which published samples are drawn
    with, or else the live weights.

    Args:
        title: What the file is, for messages.
        network: Maps the template of a published live weight, without its
            prefix, to the template of ours.
        labels: Our name of the label embedding.
    """

    def __init__(self, title: str, network: Mapping[str, str],
                 labels: str) -> None:
        self.live = Layout(
            title,
            names={**{_LIVE + theirs: ours
                      for theirs, ours in network.items()}, LABELS: labels},
            ignored=_IGNORED,
            needed={_LIVE: "Give the file's entry 'model'."})

    def ignored(self, name: str, averaged: bool = True) -> str | None:
        """Why a published tensor is not needed; None if it is used."""
        if name.startswith(_AVERAGE):
            return (None if averaged else
                    'averaged weights; the live ones are taken')
        reason = self.live.ignored(name)
        if averaged and name.startswith(_LIVE):
            return 'live weights; samples are drawn with the averaged ones'
        return reason

    def from_published(self, state: Mapping[str, Tensor],
                       averaged: bool = True) -> dict[str, Tensor]:
        """The published ``model`` entry under our names.

        Raises:
            KeyError: A tensor is unknown, or has no average.
        """
        taken = {}
        for name, tensor in state.items():
            if averaged and name.startswith(_LIVE):
                average = _average_of(name)
                if average not in state:
                    raise KeyError(
                        f"{self.live.title} should have '{average}', the "
                        f"average of '{name}', and this file has none. Take "
                        'its live weights instead (averaged=False).')
                tensor = state[average]
            if not name.startswith(_AVERAGE):
                taken[name] = tensor
        return self.live.from_published(taken)

    def to_published(self, state: Mapping[str, Tensor],
                     averaged: bool = True) -> dict[str, Tensor]:
        """Undo :meth:`from_published`; what that ignored is not restored."""
        return {
            _average_of(name) if averaged and name.startswith(_LIVE) else
            name: tensor
            for name, tensor in self.live.to_published(state).items()
        }
