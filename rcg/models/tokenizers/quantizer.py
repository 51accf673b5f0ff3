"""Vector quantisation: continuous vectors <-> ids of their nearest codes.

Letters: N batch, h w grid, K codes, D width of a code.
"""
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rcg.precision import exact_float32


class VectorQuantizer(nn.Module):
    """A codebook, as in VQ-VAE (arXiv:1711.00937) and VQGAN.

    ``forward`` returns a loss that trains the codes by gradients. A trainer
    that updates them otherwise calls :meth:`codebook_to_buffer` first.

    Args:
        num_codes: K.
        dim: D.
        beta: Weight of the loss that pulls codes towards vectors; the loss
            that pulls vectors towards codes has weight 1. The published
            tokenizer was trained so (its option "legacy"). In VQ-VAE's paper
            beta weighs the other loss.
    """

    def __init__(self, num_codes: int, dim: int, beta: float = .25) -> None:
        super().__init__()
        self.num_codes, self.dim, self.beta = num_codes, dim, beta
        # As in VQGAN: all start close to 0, so each is near some vector.
        self.codebook = nn.Parameter(torch.empty(num_codes, dim).uniform_(
            -1 / num_codes, 1 / num_codes))

    def codebook_to_buffer(self) -> None:
        """Make the codebook a buffer, which no optimizer updates.

        The state dict is unchanged. A frozen parameter would not do: averages
        of the weights copy buffers, but not frozen parameters.
        """
        codebook = self.codebook.detach()
        del self.codebook
        self.register_buffer('codebook', codebook)

    @torch.no_grad()
    def nearest(self, vectors: Tensor) -> Tensor:
        """Ids (M,), int64 in [0, K), of the codes nearest to vectors (M, D).

        Of several equally near codes it takes the first. Distances are exact
        float32; with less precision, neighbouring codes would tie.
        """
        with exact_float32(vectors.device):
            e = self.codebook.float()
            # Chunks keep the table of distances below 256 MB.
            return torch.cat([
                self._distances(z.float(), e).argmin(1)
                for z in vectors.split(max(1, 2**26 // self.num_codes))])

    @staticmethod
    def _distances(z: Tensor, e: Tensor) -> Tensor:  # (M, D), (K, D): (M, K)
        # |z - e|^2, summed in the published order: among codes that are
        # almost equally near, rounding decides.
        return (z.square().sum(1, keepdim=True) + e.square().sum(1)
                - 2 * z @ e.T)

    def encode(self, z: Tensor) -> Tensor:
        """Ids (N, h, w) of latents (N, D, h, w)."""
        vectors = z.permute(0, 2, 3, 1)  # (N, h, w, D)
        return self.nearest(vectors.flatten(0, 2)).view(vectors.shape[:-1])

    def look_up(self, ids: Tensor) -> Tensor:
        """Codes (N, D, h, w), channels first, of ids (N, h, w)."""
        codes = F.embedding(ids, self.codebook).permute(0, 3, 1, 2)
        # The upsampler's group norms would lose two digits on CPUs if channels
        # came last in memory: 5e-6 a norm at 256x256.
        return codes.contiguous()

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Quantise latents (N, D, h, w).

        Returns:
            Codes (N, D, h, w), which pass their gradients on to ``z``
            unchanged; ids (N, h, w); the loss, a float32 scalar.
        """
        ids = self.encode(z)
        z, codes = z.float(), self.look_up(ids).float()
        loss = F.mse_loss(z, codes.detach())
        if isinstance(self.codebook, nn.Parameter):
            loss = loss + self.beta * F.mse_loss(codes, z.detach())
        return z + (codes - z).detach(), ids, loss
