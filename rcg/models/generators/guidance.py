"""Guidance, the same for all generators: away from a weaker prediction.

guided = weak + w (strong - weak), so w = 1 is off. The weak prediction is
that of the null condition (classifier-free guidance, arXiv:2207.12598) or of
a weaker network (autoguidance, arXiv:2406.02507). MAGE's published "cfg" is
off at 0, so there w = cfg + 1.
"""
import torch
from torch import Tensor, nn

from rcg.frozen import Frozen
from rcg.models.layers.condition import embed_condition
from rcg.registry import MODELS

SCHEDULES = 'constant', 'linear'
_SIZES = 'input_size', 'in_channels', 'num_tokens', 'num_codes'


class Guidance:
    """How strongly to guide when, and away from what.

    Progress is the share of sampling that is done after a step: it runs from
    0 (noise) to 1 (an image).

    Args:
        network: Config of the network that is guided.
        schedule: 'constant', or 'linear': from 1 (off) to the scale, which
            the last step reaches; RCG (arXiv:2312.03701) appendix B.
        interval: Progress (low, high] at which guidance acts
            (arXiv:2404.07724). Elsewhere w is 1.
        guide: The weaker network: its ``checkpoint``, an earlier one of the
            same training or one of a smaller network, and what else differs
            from ``network``. It must read the same condition and codes.
        channels: How many channels (axis 1) are guided, of predictions with
            channels; None: all but those of a learned variance. The
            published DiT guides 3 of 4.

    Raises:
        ValueError: A setting is out of range; the guide is of other codes.
        FileNotFoundError, CheckpointError: See :class:`Frozen`.
    """

    def __init__(self, network: dict, schedule: str = 'constant',
                 interval: tuple[float, float] = (0., 1.),
                 guide: dict | None = None,
                 channels: int | None = None) -> None:
        if schedule not in SCHEDULES:
            raise ValueError(f'the schedule of guidance must be one of '
                             f"{SCHEDULES}, got '{schedule}'.")
        low, high = interval
        if not 0 <= low < high <= 1:
            raise ValueError('the interval of guidance must be (low, high) '
                             f'with 0 <= low < high <= 1, got {interval}.')
        self.schedule, self.interval = schedule, (low, high)
        self.channels = channels
        self.guide = None
        if guide is not None:
            guide = {'prefix': 'generator.network.', **network, **guide}
            _check_guide(guide, network)
            self.guide = Frozen.build(MODELS, guide)

    def scale_at(self, scale: float, progress: float) -> float:
        """w at a step; ``scale`` is the largest w."""
        low, high = self.interval
        if not low < progress <= high:
            return 1.
        if self.schedule == 'linear':
            return 1 + (scale - 1) * progress
        return scale


class GuidedNetwork:
    """A network under guidance, given one batch of conditions.

    It embeds the conditions once, for all steps of sampling. Where w is 1, a
    step is one call of the network alone. With neither condition nor guide,
    w is always 1.

    Args:
        network: Called with two inputs and the embedding.
        condition (N, ...): What its ``condition_embed`` takes, if any.
        guidance: When to guide, and away from what.
        scale: The largest w.
        channels_last: Whether feature maps (N, C, h, w) are given to the
            network with channels last in memory.

    Raises:
        ValueError: There is no null condition to guide away from.
    """

    def __init__(self, network: nn.Module, condition: Tensor | None,
                 guidance: Guidance, scale: float,
                 channels_last: bool = False) -> None:
        self.network, self.guidance, self.scale = network, guidance, scale
        self.channels_last = channels_last
        self.embedding = embed_condition(network.condition_embed, condition)
        self.guide = self.weak_embedding = None
        if scale == 1:
            return
        if guidance.guide is not None:
            device = next(network.parameters()).device
            self.guide = guidance.guide.on(device)
            self.weak_embedding = embed_condition(
                self.guide.condition_embed, condition)
        elif self.embedding is not None:
            self.weak_embedding = network.condition_embed.null(
                len(self.embedding))
        else:
            self.scale = 1.

    def __call__(self, *inputs: Tensor, progress: float) -> Tensor:
        """The guided prediction for inputs (N, ...), in float32."""
        if self.channels_last:
            inputs = [x.contiguous(memory_format=torch.channels_last)
                      if x.ndim == 4 else x for x in inputs]
        w = self.guidance.scale_at(self.scale, progress)
        if w == 1:
            return self.network(*inputs, self.embedding).float()
        strong, weak = self._both(*inputs)
        count = self._num_guided(strong)
        if count == strong.shape[1]:
            return guided(strong, weak, w)
        return torch.cat([guided(strong[:, :count], weak[:, :count], w),
                          strong[:, count:]], 1)

    def _both(self, *inputs: Tensor) -> tuple[Tensor, Tensor]:
        """The strong and the weak prediction."""
        if self.guide is not None:
            return (self.network(*inputs, self.embedding).float(),
                    self.guide(*inputs, self.weak_embedding).float())
        doubled = [torch.cat([x, x]) for x in inputs]
        embeddings = torch.cat([self.embedding, self.weak_embedding])
        return self.network(*doubled, embeddings).float().chunk(2)

    def _num_guided(self, prediction: Tensor) -> int:
        """Length of the guided part of axis 1."""
        if self.guidance.channels is not None:
            return self.guidance.channels
        # MAGE's axis 1 holds tokens, which are all guided.
        return getattr(self.network, 'in_channels', prediction.shape[1])


def guided(strong: Tensor, weak: Tensor, scale: float) -> Tensor:
    """Move a prediction away from a weaker one by ``scale``; 1 is off."""
    return weak + scale * (strong - weak)


def _check_guide(guide: dict, network: dict) -> None:
    if guide.get('checkpoint') is None:
        raise ValueError('guidance.guide needs the checkpoint of a weaker '
                         'network, e.g. an earlier one.')
    for name in _SIZES:
        if guide.get(name) != network.get(name):
            raise ValueError(
                f'the guide was built for {name}={guide.get(name)}, the '
                f'generator for {name}={network.get(name)}: guidance needs '
                'two networks over the codes of the same tokenizer.')
