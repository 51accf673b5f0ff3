"""Base of the networks that others trained and released."""
import os
from abc import abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rcg.checkpoint import (
    CheckpointError,
    file_sha256,
    read_checkpoint,
    weights_of,
)
from rcg.checkpoint.downloading import download as fetch


class PretrainedExtractor(nn.Module):
    """Base of extractors whose weights their authors released.

    Args:
        weights_path: The file of weights; by default it is looked for in
            ``RCG_WEIGHTS`` (or ``checkpoints``) and in torch hub's cache.
        resize: One of ``resizes``, by default the first: 'bicubic'
            (antialiased) or 'tensorflow' (bilinear as in TensorFlow 1, which
            torch-fidelity uses for all its networks).
        download: Whether to fetch the file if it is not there.

    Attributes:
        url: The released file.
        url_sha256: Its SHA-256.
        kind: What it holds, for messages.
        path: The file in use.
        sha256: Its hash.

    Raises:
        FileNotFoundError: The file is not there.
        CheckpointError: It holds something else.
        ModuleNotFoundError: The package of the network is not installed.
        ValueError: There is no such resize.
    """
    url: str
    url_sha256: str
    kind: str
    resizes = 'bicubic', 'tensorflow'
    input_size: int
    mean: tuple[float, float, float]  # of the RGB values that it expects
    std: tuple[float, float, float]

    def __init__(self, weights_path: str | None = None,
                 resize: str | None = None, download: bool = False) -> None:
        super().__init__()
        self.resize = resize or self.resizes[0]
        if self.resize not in self.resizes:
            raise ValueError(f'resize must be one of {self.resizes}, got '
                             f"'{resize}'.")
        self.path = self._find(weights_path, download)
        self.sha256 = file_sha256(self.path)
        self._check_hash()
        try:
            self.build(self.weights())
        except CheckpointError:
            raise
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                f'{type(self).__name__} needs {error.name}: pip install '
                'torch-fidelity timm', name=error.name) from error
        except (LookupError, RuntimeError, ValueError) as error:
            raise CheckpointError(
                f"'{self.path}' holds no {self.kind} ({str(error)[:200]}). "
                f'Get {self.url}') from error

    def _find(self, path: str | None, download: bool) -> str:
        """Path of the weights, which may be downloaded to there."""
        name = os.path.basename(self.url)
        places = [
            os.path.join(os.environ.get('RCG_WEIGHTS') or 'checkpoints', name),
            os.path.join(torch.hub.get_dir(), 'checkpoints', name)]
        if path:
            places = [os.path.expanduser(path)]
        for place in places:
            if os.path.isfile(place):
                return place
        how = (', name another place (weights_path), or allow the download '
               '(download=True).')
        if download:
            place = os.path.abspath(places[0])
            try:
                fetch(self.url, place, self.url_sha256)
                return place
            except OSError as error:
                how = f': it could not be downloaded ({error}).'
        raise FileNotFoundError(
            f"The weights of {type(self).__name__} are not at '"
            + "' nor '".join(places) + f"'. Put {self.url} there{how}")

    def _check_hash(self) -> None:
        """A file with the name of the released one must be that."""
        if os.path.basename(self.path) != os.path.basename(self.url):
            return
        if self.sha256 != self.url_sha256:
            raise CheckpointError(
                f"'{self.path}' is damaged or another file: its SHA-256 "
                f'is {self.sha256}, wanted {self.url_sha256}. Delete it and '
                f'download {self.url} again.')

    def weights(self) -> dict[str, Tensor]:
        """Read the weights; nothing in the file is executed."""
        return weights_of(read_checkpoint(self.path))

    @abstractmethod
    def build(self, state: dict[str, Tensor]) -> None:
        """Make ``self.network``, and load these weights into it.

        Raises:
            CheckpointError, LookupError, RuntimeError, ValueError: The
                weights are of another network.
        """

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """``features`` (N, D) of uint8 images (N, 3, H, W)."""
        mean, std = images.new_tensor(
            [self.mean, self.std], dtype=torch.float32)[..., None, None]
        return {'features': self.network((self.resized(images) - mean) / std)}

    def resized(self, images: Tensor) -> Tensor:
        """Images (N, 3, S, S) of ``input_size``, float32, about [0, 1].

        Args:
            images (N, 3, H, W): uint8.
        """
        size, x = (self.input_size, self.input_size), images.float()
        if self.resize == 'bicubic':
            return F.interpolate(x / 255, size, mode='bicubic',
                                 align_corners=False, antialias=True)
        from torch_fidelity import interpolate_compat_tensorflow as library
        return library.interpolate_bilinear_2d_like_tensorflow1x(
            x, size=size, align_corners=False) / 255
