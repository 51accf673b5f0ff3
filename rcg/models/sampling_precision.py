"""In which precision a model computes while it draws images."""
import contextlib

import torch

from rcg.precision import warn_if_emulated

DTYPES = 'float32', 'bfloat16', 'float16'


class SamplingPrecision:
    """Precision and memory format of a model that samples.

    Training, encoding and stored features do not depend on it. The RDM draws
    in float32 always.

    Args:
        generator: Type of most products of the generator and its guide, by
            autocast: 'float32', 'bfloat16' or 'float16'. None: that of the
            caller, as ``test_cfg.fp16`` sets it.
        decoder: Type in which the tokenizer decodes.
        channels_last: Whether convolutions keep the channels of a place
            together in memory. It pays in less precision than float32 alone,
            and networks without convolutions ignore it.

    Raises:
        ValueError: There is no such type.
    """

    def __init__(self, generator: str | None = None,
                 decoder: str = 'float32', channels_last: bool = False
                 ) -> None:
        _check('generator', generator or 'float32')
        _check('decoder', decoder)
        self.generator, self.decoder = generator, decoder
        self.channels_last = channels_last

    def set_up(self, model) -> None:
        """Prepare the parts of an :class:`~rcg.models.rcg.RCG`.

        Raises:
            ValueError: The tokenizer decodes in float32 only.
        """
        if self.channels_last:
            model.generator.channels_last = True
        if self.decoder == 'float32':
            return
        tokenizer = model.tokenizer.module
        if not hasattr(tokenizer, 'decode_in'):
            raise ValueError(
                f'{type(tokenizer).__name__} decodes in float32 only: delete '
                f"model.sampling.decoder, got '{self.decoder}'.")
        tokenizer.decode_in(self.decoder, self.channels_last)

    def set_generator(self, dtype: str) -> None:
        """Change in what the generator draws.

        Raises:
            ValueError: There is no such type.
        """
        _check('generator', dtype)
        self.generator = dtype

    def of_generator(self, device: torch.device):
        """A context in which the generator draws codes."""
        if self.generator is None:
            return contextlib.nullcontext()
        dtype = getattr(torch, self.generator)
        warn_if_emulated(dtype, device.type, 'model.sampling.generator')
        return torch.autocast(device.type, dtype,
                              enabled=dtype != torch.float32)

    def describe(self) -> dict[str, str | bool]:
        """What differs from the defaults, in plain types."""
        return {name: value for name, value in vars(self).items()
                if value not in (None, 'float32', False)}


def _check(name: str, dtype: str) -> None:
    if dtype not in DTYPES:
        raise ValueError(f'model.sampling.{name} must be one of '
                         f'{", ".join(DTYPES)}, got {dtype!r}.')
