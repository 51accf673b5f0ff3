"""A step counter for models whose loss changes during training."""
import torch
from torch import nn


class StepCounter(nn.Module):
    """Counts training steps in a buffer, which checkpoints hold.

    ``int(counter)`` reads a copy on the host and does not wait for the
    device. The copy is made from the buffer at first use and after loading.
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer('count', torch.zeros((), dtype=torch.int64))
        self._host = None

    def __int__(self) -> int:
        if self._host is None:
            self._host = int(self.count)
        return self._host

    def advance(self) -> None:
        """Count one step."""
        self._host = int(self) + 1
        self.count += 1

    # Not a hook of load_state_dict: MMEngine's loader calls no hooks.
    def _load_from_state_dict(self, *args, **kwargs) -> None:
        super()._load_from_state_dict(*args, **kwargs)
        self._host = None
