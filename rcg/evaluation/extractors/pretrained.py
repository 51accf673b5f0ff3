"""Networks that others published: their weights, and how they see images."""
import contextlib
import io
import os

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rcg.checkpoint import (
    CheckpointError,
    file_sha256,
    load_state_dict,
    read_checkpoint,
    weights_of,
)
from rcg.registry import FEATURE_EXTRACTORS


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
        url, published_sha256, kind: The published file, how its hash starts,
            and what it holds.
        path, sha256: The file in use and its hash.

    Raises:
        FileNotFoundError: The file is not there.
        CheckpointError: It holds something else.
    """
    url: str
    published_sha256: str
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
        if (os.path.basename(self.path) == os.path.basename(self.url)
                and not self.sha256.startswith(self.published_sha256)):
            raise CheckpointError(
                f"'{self.path}' is damaged or another file: its SHA-256 "
                f'starts with {self.sha256[:16]}, wanted '
                f'{self.published_sha256[:16]}. Delete it and download '
                f'{self.url} again.')
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
        name = os.path.basename(self.url)
        places = [os.path.expanduser(path)] if path else [
            os.path.join(os.environ.get('RCG_WEIGHTS') or 'checkpoints', name),
            os.path.join(torch.hub.get_dir(), 'checkpoints', name)]
        for place in filter(os.path.isfile, places):
            return place
        how = (', name another place (weights_path), or allow the download '
               '(download=True).')
        if download:
            how = ': it could not be downloaded.'
            place = os.path.abspath(places[0])
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with contextlib.suppress(OSError):  # the hash is checked first
                torch.hub.download_url_to_file(
                    self.url, place, self.published_sha256, progress=False)
                return place
        raise FileNotFoundError(
            f"The weights of {type(self).__name__} are not at '"
            + "' nor '".join(places) + f"'. Put {self.url} there{how}")

    def weights(self) -> dict[str, Tensor]:
        """Read the weights; nothing in the file is executed."""
        return weights_of(read_checkpoint(self.path))

    def build(self, state: dict[str, Tensor]) -> None:
        """Make the network that these weights are of."""
        raise NotImplementedError

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """``features`` (N, D) of uint8 images (N, 3, H, W)."""
        mean, std = images.new_tensor(
            [self.mean, self.std], dtype=torch.float32)[..., None, None]
        return {'features': self.network((self.resized(images) - mean) / std)}

    def resized(self, images: Tensor) -> Tensor:
        """From uint8 (N, 3, H, W) to floats of about [0, 1], input_size."""
        size, x = (self.input_size, self.input_size), images.float()
        if self.resize == 'bicubic':
            return F.interpolate(x / 255, size, mode='bicubic',
                                 align_corners=False, antialias=True)
        from torch_fidelity import interpolate_compat_tensorflow as library
        return library.interpolate_bilinear_2d_like_tensorflow1x(
            x, size=size, align_corners=False) / 255


@FEATURE_EXTRACTORS.register_module()
class Inception(PublishedNetwork):
    """torch-fidelity's 'inception-v3-compat', with which RCG was measured.

    The network of ADM's evaluation and of pytorch-fid.
    """
    kind = 'Inception of torch-fidelity'
    url = ('https://github.com/toshas/torch-fidelity/releases/download/'
           'v0.2.0/weights-inception-2015-12-05-6726825d.pth')
    published_sha256 = '6726825d'
    resizes = 'tensorflow',
    input_size = 299

    def build(self, state: dict[str, Tensor]) -> None:
        from torch_fidelity import feature_extractor_inceptionv3 as library

        # The library would run a pickle: it gets a copy of what was read.
        weights = io.BytesIO()
        torch.save(state, weights)
        weights.seek(0)
        self.network = library.FeatureExtractorInceptionV3(
            'inception-v3-compat', ['2048', 'logits_unbiased'], weights)
        # 'mixed_6/conv' of the original graph
        self.network.Mixed_6d.branch1x1.register_forward_hook(self._keep)

    def _keep(self, module, inputs, output: Tensor) -> None:
        self._spatial = output[:, :7].permute(0, 2, 3, 1)  # as in ADM's npz

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """``features`` (N, 2048), ``logits`` (N, 1008), ``spatial`` (N, 2023).

        These last are 7 channels at 17x17 places (arXiv:2103.03841).
        """
        features, logits = self.network(images)
        return {'features': features, 'logits': logits,
                'spatial': self.__dict__.pop('_spatial').flatten(1)}


@FEATURE_EXTRACTORS.register_module()
class DINOv2(PublishedNetwork):
    """DINOv2's class token (arXiv:2304.07193), for FD-DINOv2.

    The published protocol (arXiv:2306.04675) takes ViT-L/14 and bicubic,
    antialiased images. Weights of ViT-S and ViT-B work, too.
    """
    kind = 'DINOv2 of ViT-S, B or L'
    url = ('https://dl.fbaipublicfiles.com/dinov2/dinov2_vitl14/'
           'dinov2_vitl14_pretrain.pth')
    published_sha256 = (
        'd5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428')
    input_size = 224
    mean, std = (.485, .456, .406), (.229, .224, .225)

    def build(self, state: dict[str, Tensor]) -> None:
        import timm  # takes two seconds
        state.pop('mask_token', None)
        width = state.get('cls_token', torch.empty(0)).shape[-1]
        size = {384: 'small', 768: 'base', 1024: 'large'}.get(width)
        if size is None or 'pos_embed' not in state:
            raise ValueError(f'class token of width {width}')
        self.network = timm.create_model(f'vit_{size}_patch14_dinov2',
                                         img_size=224, num_classes=0)
        state['pos_embed'] = _resampled(state['pos_embed'], 16)
        load_state_dict(self.network, state, self.path)


def _resampled(embedding: Tensor, side: int) -> Tensor:
    """Position embedding (1, 1 + n * n, D) for side x side patches."""
    # As published, with a shift by .1; timm's filter gives other features.
    n = round((embedding.shape[1] - 1)**.5)
    if n == side:
        return embedding
    grid = embedding[:, 1:].unflatten(1, (n, n)).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, scale_factor=(side + .1) / n, mode='bicubic')
    return torch.cat([embedding[:, :1], grid.flatten(2).mT], 1)


@FEATURE_EXTRACTORS.register_module()
class CLIP(PublishedNetwork):
    """CLIP's image embeddings (arXiv:2103.00020), not normalized.

    ViT-L/14 at 336 pixels, or what another file of OpenAI's, or a state dict
    with its names, holds.
    """
    kind = "CLIP with OpenAI's names"
    published_sha256 = (
        '3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02')
    url = ('https://openaipublic.azureedge.net/clip/models/'
           f'{published_sha256}/ViT-L-14-336px.pt')
    mean = (.48145466, .4578275, .40821073)
    std = (.26862954, .26130258, .27577711)

    def weights(self) -> dict[str, Tensor]:
        from torch_fidelity.feature_extractor_clip import MODEL_METADATA

        # OpenAI's are programs. They may run if they are truly OpenAI's.
        if self.sha256 in {m['hash'] for m in MODEL_METADATA.values()}:
            return torch.jit.load(self.path, 'cpu').state_dict()
        return super().weights()

    def build(self, state: dict[str, Tensor]) -> None:
        from torch_fidelity.feature_extractor_clip import build_model
        self.network = build_model(dict(state), torch.float32).visual
        self.input_size = self.network.input_resolution
