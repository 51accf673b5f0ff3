"""Networks that others published: their weights, and how they see images."""
import os

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rcg.checkpoint import (
    CheckpointError,
    file_sha256,
    read_checkpoint,
    weights_of,
)


class PublishedNetwork(nn.Module):
    """Base of extractors with published weights, built from these.

    Args:
        weights_path: The file of weights; by default it is looked for in
            ``RCG_WEIGHTS`` (or ``checkpoints``) and in torch hub's cache.
        resize: One of ``resizes``, by default the first: 'bicubic'
            (antialiased) or 'tensorflow' (bilinear as in TensorFlow 1, which
            torch-fidelity uses for all its networks).
        download: Whether to fetch the file if it is not there.

    Attributes:
        url, published_sha256: The published file and how its hash starts.
        path, sha256: The file in use and its hash.

    Raises:
        FileNotFoundError: The file is not there.
        CheckpointError: It holds something else.
    """
    url: str
    published_sha256: str
    resizes = 'bicubic', 'tensorflow'
    input_size: int

    def __init__(self, weights_path: str | None = None,
                 resize: str | None = None, download: bool = False) -> None:
        super().__init__()
        self.resize = resize or self.resizes[0]
        if self.resize not in self.resizes:
            raise ValueError(f'resize must be one of {self.resizes}, got '
                             f"'{resize}'.")
        self.path = self._find(weights_path, download)
        self.sha256 = file_sha256(self.path)
        if (os.path.basename(self.path) == os.path.basename(self.url)
                and not self.sha256.startswith(self.published_sha256)):
            raise CheckpointError(
                f"'{self.path}' is damaged or another file: its SHA-256 "
                f'starts with {self.sha256[:16]}, wanted '
                f'{self.published_sha256[:16]}. Delete it and download '
                f'{self.url} again.')
        try:
            self.build(self.weights())
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                f'{type(self).__name__} needs {error.name}: pip install '
                'torch-fidelity timm', name=error.name) from error

    def _find(self, path: str | None, download: bool) -> str:
        folders = [os.environ.get('RCG_WEIGHTS') or 'checkpoints',
                   os.path.join(torch.hub.get_dir(), 'checkpoints')]
        places = [os.path.expanduser(path)] if path else [
            os.path.join(folder, os.path.basename(self.url))
            for folder in folders]
        found = next(filter(os.path.isfile, places), None)
        if found is None and download:
            found = os.path.abspath(places[0])
            os.makedirs(os.path.dirname(found), exist_ok=True)
            try:  # checks the hash, then moves the file to its place
                torch.hub.download_url_to_file(
                    self.url, found, self.published_sha256, progress=False)
            except OSError:
                found = None
        if found is None:
            raise FileNotFoundError(
                f"The weights of {type(self).__name__} are not at '"
                + "' nor '".join(places) + f"'. Put {self.url} there"
                + (': it could not be downloaded.' if download else
                   ', name another place (weights_path), or allow the '
                   'download (download=True).'))
        return found

    def weights(self) -> dict[str, Tensor]:
        """Read the weights; nothing in the file is executed."""
        return weights_of(read_checkpoint(self.path))

    def build(self, state: dict[str, Tensor]) -> None:
        """Make the network that these weights are of."""
        raise NotImplementedError

    def resized(self, images: Tensor) -> Tensor:
        """From uint8 (N, 3, H, W) to floats of about [0, 1], input_size."""
        size, x = (self.input_size, self.input_size), images.float()
        if self.resize == 'bicubic':
            return F.interpolate(x / 255, size, mode='bicubic',
                                 align_corners=False, antialias=True)
        from torch_fidelity import interpolate_compat_tensorflow as library
        return library.interpolate_bilinear_2d_like_tensorflow1x(
            x, size=size, align_corners=False) / 255
