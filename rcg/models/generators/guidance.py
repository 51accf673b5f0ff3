"""Guidance, the same for all generators: away from a weaker prediction.

guided = weak + w (strong - weak), so w = 1 is off. The weak prediction is
that of the null condition (classifier-free guidance, arXiv:2207.12598) or of
a weaker network (autoguidance, arXiv:2406.02507). MAGE's published "cfg" is
off at 0, so there w = cfg + 1.
"""
from collections.abc import Callable

import torch
from torch import Tensor, nn

from rcg.frozen import Frozen
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
            (arXiv:2404.07724); elsewhere a step costs one network call.
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
        """w at a step, of which ``scale`` is the largest."""
        low, high = self.interval
        if not low < progress <= high:
            return 1.
        return scale if self.schedule == 'constant' else (
            1 + (scale - 1) * progress)

    def bind(self, network: nn.Module, condition: Tensor | None,
             scale: float, batch_size: int
             ) -> Callable[[float], Callable[..., Tensor]]:
        """Prepare to sample: embed the condition once.

        Args:
            network: Called with two inputs and the embedded condition.
            condition (N, ...): What its condition layer takes, if any.
            scale: The largest w.
            batch_size: N.

        Returns:
            (progress) -> (*inputs (N, ...)) -> prediction in float32. With
            neither condition nor weaker network, guidance does nothing.

        Raises:
            ValueError: There is no null condition to guide away from.
        """
        layer = network.condition
        embedded = None if layer is None else layer(condition)

        def plain(*inputs: Tensor) -> Tensor:
            return network(*inputs, embedded).float()

        if scale == 1 or (layer is None and self.guide is None):
            return lambda progress: plain
        pair = self._pair(network, condition, embedded, batch_size)

        def at(progress: float) -> Callable[..., Tensor]:
            w = self.scale_at(scale, progress)
            return plain if w == 1 else (
                lambda *inputs: self._guide(*pair(*inputs), w, network))

        return at

    def _pair(self, network, condition, embedded, batch_size):
        """(*inputs) -> strong and weak prediction."""
        if self.guide is not None:
            guide = self.guide.on(next(network.parameters()).device)
            other = guide.condition and guide.condition(condition)
            return lambda *inputs: (network(*inputs, embedded).float(),
                                    guide(*inputs, other).float())
        both = torch.cat([embedded, network.condition.null(batch_size)])

        def pair(*inputs: Tensor) -> tuple[Tensor, Tensor]:
            doubled = (torch.cat([x, x]) for x in inputs)
            return network(*doubled, both).float().chunk(2)

        return pair

    def _guide(self, strong: Tensor, weak: Tensor, w: float,
               network: nn.Module) -> Tensor:
        count = self.channels or getattr(network, 'in_channels', None)
        if count is None or count == strong.shape[1]:
            return guided(strong, weak, w)
        return torch.cat([guided(strong[:, :count], weak[:, :count], w),
                          strong[:, count:]], 1)


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
