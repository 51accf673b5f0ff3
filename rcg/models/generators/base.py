"""What all pixel generators have: a network, a condition, guidance."""
from torch import Tensor, nn

from rcg.frozen import Frozen, HasFrozenParts
from rcg.models.generators.guidance import Guidance
from rcg.registry import MODELS
from rcg.rng import SampleRng


class PixelGenerator(HasFrozenParts, nn.Module):
    """Base of the pixel generators.

    Args:
        network: Config of the network; it has ``condition``, a condition
            layer or None.
        guidance_scale: w; 1 = off.
        guidance: Other arguments of :class:`Guidance`.
    """

    # The children that compile=True compiles; see rcg/engine/compiling.py.
    compiled_children = ('network', )

    def __init__(self, network: dict, guidance_scale: float = 1.,
                 guidance: dict | None = None) -> None:
        super().__init__()
        self.network = MODELS.build(network)
        self.guidance_scale = guidance_scale
        self.guidance = Guidance(network, **guidance or {})
        self.register_frozen_part('guide', self.guide)

    @property
    def guide(self) -> Frozen | None:
        """The weaker network of autoguidance, or None."""
        return self.guidance.guide

    @property
    def condition_kind(self) -> str | None:
        """'representation', 'label', or None if unconditional."""
        layer = self.network.condition
        return None if layer is None else layer.kind

    def loss(self, codes: Tensor, condition: Tensor | None,
             rng: SampleRng) -> dict[str, Tensor]:
        """Losses of codes (N, ...), each image with its stream, given what the
        network's condition layer takes (N, ...), if it has one."""
        raise NotImplementedError

    def sample(self, condition: Tensor | None, rng: SampleRng) -> Tensor:
        """Draw codes (N, ...), given one condition a row."""
        raise NotImplementedError

    def guided(self, condition: Tensor | None, batch_size: int):
        """The network under its guidance; see :meth:`Guidance.bind`."""
        return self.guidance.bind(self.network, condition,
                                  self.guidance_scale, batch_size)
