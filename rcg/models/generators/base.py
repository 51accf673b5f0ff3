"""What all pixel generators share: a network, a condition, guidance."""
from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor, nn

from rcg.frozen import Frozen, HasFrozenParts
from rcg.models.generators.guidance import Guidance, GuidedNetwork
from rcg.models.layers.condition import embed_condition
from rcg.registry import MODELS
from rcg.rng import SampleRng


class Estimate(NamedTuple):
    """What sampling has found after one of its steps.

    Attributes:
        step: How many steps are done, from 1.
        num_steps: How many there are.
        codes (N, ...): For the tokenizer to decode. After the last step they
            are what is drawn.
        hidden (N, L): True for tokens that later steps draw anew; None if
            nothing is hidden.
    """
    step: int
    num_steps: int
    codes: Tensor
    hidden: Tensor | None = None


class PixelGenerator(HasFrozenParts, nn.Module):
    """Base of the pixel generators.

    A network holds its condition layer, but is called with an embedding: its
    generator asks the layer for it. So sampling embeds a condition once, and
    not at every step.

    Args:
        network: Config of the network; it has ``condition_embed``, a
            condition layer or None.
        guidance_scale: w; 1 = off.
        guidance: Other arguments of :class:`Guidance`.
    """

    # The children that compile=True compiles; see rcg/engine/compiling.py.
    compiled_children = ('network', )
    # How the inputs of the network lie in memory when it samples.
    channels_last = False

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
        layer = self.network.condition_embed
        return None if layer is None else layer.kind

    def loss(self, codes: Tensor, condition: Tensor | None,
             rng: SampleRng) -> dict[str, Tensor]:
        """Losses of a batch of N images.

        Args:
            codes (N, ...): The images, as the tokenizer encodes them.
            condition (N, ...): What the network's condition layer takes; of
                no use if it has none.
            rng: A stream for each image.
        """
        raise NotImplementedError

    def sample(self, condition: Tensor | None, rng: SampleRng) -> Tensor:
        """Draw codes (N, ...), given one condition for each."""
        raise NotImplementedError

    def estimates(self, condition: Tensor | None, rng: SampleRng
                  ) -> Iterator[Estimate]:
        """Draw as :meth:`sample` does; show what each step has found.

        The same streams give the same codes. A generator that does not show
        its steps has one.
        """
        yield Estimate(1, 1, self.sample(condition, rng))

    def embed(self, condition: Tensor | None, rng: SampleRng | None = None
              ) -> Tensor | None:
        """The embedding (N, E) that the network is called with, or None.

        Training gives ``rng``, by which some conditions are dropped.
        """
        return embed_condition(self.network.condition_embed, condition, rng)

    def guided_network(self, condition: Tensor | None) -> GuidedNetwork:
        """The network that sampling calls, given one batch of conditions."""
        return GuidedNetwork(self.network, condition, self.guidance,
                             self.guidance_scale, self.channels_last)
