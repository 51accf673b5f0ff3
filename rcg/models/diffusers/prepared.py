"""A denoiser prepared for a sampler's loop."""
from torch import Tensor, nn

from rcg.diffusion import DiffusionProcess, Prediction
from rcg.models.layers.packed import packed


class PreparedDenoiser:
    """Denoises at known times; a :data:`~rcg.diffusion.Denoise`.

    What depends on the time alone, or on the context alone, is computed
    for all steps at once, and on a CPU the weights are reordered. So it is for
    one loop: later changes of the weights do not reach it. Results differ from
    those of :meth:`DiffusionProcess.denoise` by rounding. The host waits for
    nothing.

    Args:
        network: A denoiser with ``shifts``, as :class:`DenoisingMLP` has.
        diffusion: The forward process.
        times: Those that the sampler visits.
        on_device (S,): The same on the device.
        context (N, C): Of a class-conditional network.
        rows: N.
    """

    def __init__(self, network: nn.Module, diffusion: DiffusionProcess,
                 times: list[float], on_device: Tensor, context: Tensor | None,
                 rows: int) -> None:
        self.diffusion, self.on_device = diffusion, on_device
        self.network = packed(network, rows, len(times),
                              getattr(network, 'of_shifts', ()))
        # (B, S, H), and for each row (B, N, H)
        self.of_times, *self.of_context = network.shifts(
            diffusion.network_time(on_device), context)
        self.place = {time: i for i, time in enumerate(times)}

    def __call__(self, x_t: Tensor, time: float) -> Prediction:
        """Predict from x_t (N, D), all at one ``time``."""
        i = self.place[time]
        of_time = self.of_times[:, i:i + 1]  # (B, 1, H)
        output = self.network(x_t, shifts=(of_time, *self.of_context))
        return self.diffusion.prediction(output, x_t, self.on_device[i:i + 1])
