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
    """Base of extractors with published weights.

    Nothing is downloaded unless asked for.

    Args:
        path: The file of weights; by default it is looked for in
            ``RCG_WEIGHTS`` (or ``checkpoints``) and in torch hub's cache.
        download: Whether to fetch it, if it is not there.

    Attributes:
        url: Where the weights are published.
        published_sha256: Of that file, or how it starts.
        path, sha256: The file in use, and its hash.
        resize: How images are brought to ``input_size``: 'bicubic'
            (antialiased) or 'tensorflow' (bilinear as in TensorFlow 1, which
            torch-fidelity uses for all its networks).

    Raises:
        FileNotFoundError: The file is not there.
        CheckpointError: It has the published name and another hash.
        ModuleNotFoundError: torch-fidelity is not installed.
    """
    url: str
    published_sha256: str
    resize = 'tensorflow'
    input_size: int

    def __init__(self, path: str | None, download: bool) -> None:
        super().__init__()
        try:
            import torch_fidelity  # noqa: F401
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                f'{type(self).__name__} needs torch-fidelity: pip install '
                'torch-fidelity', name=error.name) from error
        self.path = self._find(path, download)
        self.sha256 = file_sha256(self.path)
        if (os.path.basename(self.path) == os.path.basename(self.url)
                and not self.sha256.startswith(
                    self.published_sha256)):
            raise CheckpointError(
                f"'{self.path}' is damaged or another file: its SHA-256 "
                f'starts with {self.sha256[:16]}, wanted '
                f'{self.published_sha256[:16]}. Delete it and download '
                f'{self.url} again.')

    def _find(self, path: str | None, download: bool) -> str:
        folders = [os.environ.get('RCG_WEIGHTS') or 'checkpoints',
                   os.path.join(torch.hub.get_dir(), 'checkpoints')]
        name = os.path.basename(self.url)
        places = [os.path.expanduser(path)] if path else [
            os.path.join(folder, name) for folder in folders]
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

    def resized(self, images: Tensor) -> Tensor:
        """From uint8 (N, 3, H, W) to floats of about [0, 1], input_size."""
        size, x = (self.input_size, self.input_size), images.float()
        if self.resize == 'bicubic':
            return F.interpolate(x / 255, size, mode='bicubic',
                                 align_corners=False, antialias=True)
        from torch_fidelity import interpolate_compat_tensorflow as library
        return library.interpolate_bilinear_2d_like_tensorflow1x(
            x, size=size, align_corners=False) / 255
