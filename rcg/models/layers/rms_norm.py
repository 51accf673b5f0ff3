"""RMSNorm that keeps the type of its input."""
import torch.nn.functional as F
from torch import Tensor, nn


class RMSNorm(nn.RMSNorm):
    """Divide by the root mean square; no mean is subtracted.

    arXiv:1910.07467 eq. 4. It is computed in float32, and the output has the
    type of the input: normalized queries and keys meet values of that type.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(..., D) to the same."""
        return F.rms_norm(x.float(), self.normalized_shape, self.weight,
                          self.eps).to(x.dtype)
