"""Which encoder fit() takes: one that is on this machine, or its own."""
import os

from rcg.models.encoders.timm_local import LocalEncoder, find_timm_encoder

AUTO, TRAIN = 'auto', 'train'  # what may be asked for, besides a name
# Share of the time that the features of a found encoder may take. Beyond it,
# a small encoder that is trained on the folder leaves more for the generator.
MOST = .25


def find_encoder(asked: str) -> LocalEncoder | None:
    """The pretrained encoder that was asked for; None: one is trained.

    Args:
        asked: 'auto' takes what the caches of this machine hold, if
            anything, and if its features leave time for the rest
            (:func:`is_affordable`). 'train' takes nothing. Or a file of
            weights of timm, a folder with ``config.json`` and
            ``model.safetensors``, or the name of a model of timm whose
            weights are in a cache.

    Raises:
        FileNotFoundError, ValueError, CheckpointError: What was named is not
            there or cannot be used; see :func:`find_timm_encoder`.
    """
    if asked == TRAIN:
        return None
    if asked == AUTO:
        found, passed = find_timm_encoder()
        for sentence in passed:
            print(sentence, flush=True)
        return found
    path = os.path.abspath(os.path.expanduser(asked))
    if os.path.exists(path):
        return find_timm_encoder(weights=path)[0]
    if os.sep in asked or os.path.splitext(asked)[1] in (
            '.safetensors', '.pth', '.pt', '.bin'):
        raise FileNotFoundError(f"There is no file of weights '{asked}'.")
    return find_timm_encoder(model=asked)[0]


def encoder_values(found: LocalEncoder, rdm: dict) -> dict:
    """Variables of a project with a pretrained encoder.

    Args:
        found: The encoder.
        rdm: Arguments of the denoiser in the preset. Its layers become at
            least twice as wide as a representation: narrower ones could not
            pass it on.
    """
    return dict(
        _encoder=dict(found.config, _delete_=True),
        _encoder_is_trained=False, _rep_dim=found.rep_dim,
        _rdm=dict(rdm, width=max(rdm['width'], 2 * found.rep_dim)))


def is_affordable(seconds: float, limit: float) -> bool:
    """Whether features that take ``seconds`` leave time for the rest."""
    return seconds <= MOST * limit
