"""Diffusion as a pixel generator; ADM, LDM and DiT are configs of it."""
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from rcg.diffusion import DiffusionProcess, Prediction, check_source
from rcg.models.generators.base import Estimate, PixelGenerator
from rcg.models.generators.guidance import GuidedNetwork
from rcg.registry import MODELS, PIXEL_GENERATORS, TASK_UTILS
from rcg.rng import SampleRng


@PIXEL_GENERATORS.register_module()
class DiffusionGenerator(PixelGenerator):
    """A diffusion model of pixels or latents, conditioned as in RCG.

    Any network will do that has ``condition_embed`` (a condition layer or
    None), ``in_channels``, ``out_channels`` and ``input_size``, and that maps
    (x_t (N, C, h, w), t (N,), embedding (N, E) or None) to a prediction.

    Args:
        network: Config of the denoiser.
        diffusion: Config of the process: of a :class:`DiffusionProcess`.
        sampler: Config of a sampler that can walk along it.
        guidance_scale, guidance: See :class:`PixelGenerator`.
        source: Config of a module (condition, rng) -> noise (N, C, h, w), of
            another distribution than the standard normal one. It is called in
            training and in sampling, each time with the conditions.

    Raises:
        ValueError: The sampler's times cannot be spaced; the network's
            channels do not fit the diffusion; there is a source, and process
            or sampler are for standard normal noise.
    """

    def __init__(self, network: dict, diffusion: dict, sampler: dict,
                 guidance_scale: float = 1., guidance: dict | None = None,
                 source: dict | None = None) -> None:
        super().__init__(network, guidance_scale, guidance)
        self.diffusion = TASK_UTILS.build(diffusion)
        self.sampler = TASK_UTILS.build(sampler)
        self.sampler.timesteps(self.diffusion.schedule)  # do they fit?
        self._check_channels()
        self.source = None
        if source is not None:
            check_source(self.diffusion, self.sampler)
            self.source = MODELS.build(source)

    def _check_channels(self) -> None:
        net, learns = self.network, self.diffusion.learn_variance
        wanted = 2 * net.in_channels if learns else net.in_channels
        if net.out_channels != wanted:
            raise ValueError(
                f'diffusion.learn_variance={learns} takes {wanted} channels '
                f'from a network over {net.in_channels}, got '
                f'{net.out_channels}; set learn_variance of both alike.')

    @property
    def num_steps(self) -> int:
        """Steps of the sampler."""
        return self.sampler.num_steps

    @num_steps.setter
    def num_steps(self, value: int) -> None:
        self.sampler.num_steps = value
        self.sampler.timesteps(self.diffusion.schedule)

    def loss(self, codes: Tensor, condition: Tensor | None,
             rng: SampleRng) -> dict[str, Tensor]:
        """Diffusion loss of codes (N, C, h, w): pixels in [-1, 1], or latents.

        See :meth:`DiffusionProcess.losses`.

        Raises:
            ValueError: The codes are not of the network's size.
        """
        return self.losses_of(self.network, codes, condition, rng)

    def losses_of(self, network: Callable[..., Tensor], codes: Tensor,
                  condition: Tensor | None, rng: SampleRng
                  ) -> dict[str, Tensor]:
        """:meth:`loss` of a callable in the place of the network."""
        net = self.network
        wanted = (net.in_channels, net.input_size, net.input_size)
        if codes.shape[1:] != wanted:
            raise ValueError(
                f'the network is for codes of {wanted} (channels, height, '
                f'width), got {tuple(codes.shape[1:])}; set its input_size '
                "and in_channels to the tokenizer's, or resize the images.")
        embedding = self.embed(condition, rng)
        noise = None if self.source is None else self.source(condition, rng)
        return self.diffusion.loss(
            lambda x, t: network(x, t, embedding), codes, rng, noise)

    @torch.no_grad()
    def sample(self, condition: Tensor | None, rng: SampleRng) -> Tensor:
        """Draw codes (N, C, h, w), given one condition for each."""
        return self.sampler(
            self.denoiser(condition), self._noise(condition, rng), rng,
            self.diffusion.schedule)

    @torch.no_grad()
    def estimates(self, condition: Tensor | None, rng: SampleRng
                  ) -> Iterator[Estimate]:
        """After each step the predicted clean codes; at last the sample."""
        schedule = self.diffusion.schedule
        total = len(self.sampler.timesteps(schedule))
        steps = self.sampler.steps(
            self.denoiser(condition), self._noise(condition, rng), rng,
            schedule)
        for number, (x, x0) in enumerate(steps, 1):
            yield Estimate(number, total, x if number == total else x0)

    def _noise(self, condition: Tensor | None, rng: SampleRng) -> Tensor:
        if self.source is not None:
            return self.source(condition, rng)
        net = self.network
        return rng.normal(net.in_channels, net.input_size, net.input_size)

    def denoiser(self, condition: Tensor | None) -> 'GuidedDenoiser':
        """What a sampler calls, given one batch of conditions."""
        return GuidedDenoiser(self.diffusion, self.guided_network(condition))


class GuidedDenoiser:
    """Denoises with a guided network; a :data:`~rcg.diffusion.Denoise`."""

    def __init__(self, diffusion: DiffusionProcess,
                 network: GuidedNetwork) -> None:
        self.diffusion, self.network = diffusion, network

    def __call__(self, x_t: Tensor, time: float) -> Prediction:
        """Predict from x_t (N, C, h, w), all at one ``time``."""
        process = self.diffusion
        t = torch.full((len(x_t), ), time, device=x_t.device)
        output = self.network(x_t, process.network_time(t),
                              progress=process.schedule.progress(time))
        return process.prediction(output, x_t, t)
