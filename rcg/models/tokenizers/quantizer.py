"""Vector quantisation: continuous vectors <-> ids of their nearest codes.

Letters: N batch, h w grid, K codes, D width of a code.
"""
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rcg.precision import exact_float32


class VectorQuantizer(nn.Module):
    """A codebook, as in VQ-VAE (arXiv:1711.00937) and VQGAN.

    How the codes are learned is the business of whoever trains: ``forward``
    returns a loss for codes that follow the gradient; a trainer that moves
    them otherwise calls :meth:`codebook_to_buffer` first.

    Args:
        num_codes: K.
        dim: D.
        beta: Weight of the loss that pulls codes towards vectors; that which
            pulls vectors towards codes weighs 1. The published tokenizer was
            trained so ("legacy"); VQ-VAE's paper puts beta on the other term.
    """

    def __init__(self, num_codes: int, dim: int, beta: float = .25) -> None:
        super().__init__()
        self.num_codes, self.dim, self.beta = num_codes, dim, beta
        # As in VQGAN: close to 0, so that all codes are near some vector.
        self.codebook = nn.Parameter(torch.empty(num_codes, dim).uniform_(
            -1 / num_codes, 1 / num_codes))

    def codebook_to_buffer(self) -> None:
        """Keep the codes out of the optimizer; the state dict is unchanged.

        Averages of the weights copy buffers, but no frozen parameters.
        """
        codebook = self.codebook.detach()
        del self.codebook
        self.register_buffer('codebook', codebook)

    @torch.no_grad()
    def nearest(self, vectors: Tensor) -> Tensor:
        """Ids (M,) int64 in [0, K) of the codes nearest to vectors (M, D).

        Of equally near ones, the first. Compared in exact float32: in less,
        neighbouring codes tie.
        """
        with exact_float32(vectors.device):
            e = self.codebook.float()
            # A table of distances of at most 256 MB at a time.
            return torch.cat([
                self._distances(z.float(), e).argmin(1)
                for z in vectors.split(max(1, 2**26 // self.num_codes))])

    @staticmethod
    def _distances(z: Tensor, e: Tensor) -> Tensor:  # (M, D), (K, D): (M, K)
        # |z - e|^2 in the order of the published sum, whose rounding decides
        # between codes that are nearly as near.
        return (z.square().sum(1, keepdim=True) + e.square().sum(1)
                - 2 * z @ e.T)

    def encode(self, z: Tensor) -> Tensor:
        """Ids (N, h, w) of latents (N, D, h, w)."""
        vectors = z.permute(0, 2, 3, 1)  # (N, h, w, D)
        return self.nearest(vectors.flatten(0, 2)).view(vectors.shape[:-1])

    def look_up(self, ids: Tensor) -> Tensor:
        """Codes (N, D, h, w), channels first, of ids (N, h, w)."""
        codes = F.embedding(ids, self.codebook).permute(0, 3, 1, 2)
        # PyTorch's group norm in the upsampler loses two digits where channels
        # come last in memory (CPU): 5e-6 a norm at 256x256.
        return codes.contiguous()

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Codes (N, D, h, w) of latents, through which gradients pass straight
        to ``z``; their ids (N, h, w); the loss, a float32 scalar."""
        ids = self.encode(z)
        z, codes = z.float(), self.look_up(ids).float()
        loss = F.mse_loss(z, codes.detach())
        if isinstance(self.codebook, nn.Parameter):
            loss = loss + self.beta * F.mse_loss(codes, z.detach())
        return z + (codes - z).detach(), ids, loss
