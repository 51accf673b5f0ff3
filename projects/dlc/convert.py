"""Weights of the published DLC code (MIT licence), under our names.

    python -m rcg.projects.dlc.convert encoder teacher_checkpoint.pth OUT
    python -m rcg.projects.dlc.convert dit custom_checkpoint_0.pkl OUT

The names are those that the published code gives its modules; no published
file was at hand. The prior of that code is a SEDD, another network than ours.
"""
import argparse
import re
from collections.abc import Mapping

from torch import Tensor

from rcg.converters.dit import dit_from_published as plain_dit
from rcg.projects.dlc.encoder import PrefixTokens, SimplicialEncoder

TABLE = 'sem_embedder.embedding_table'  # (L, V + 1, D)
# Of the training by DINOv2: not needed to make codes.
_UNUSED = ('sem_cls_norm.', 'norm.', 'head.')
_HEAD = 'sem_embed.', 'sem_norm.', 'sem_out.'


def dit_from_published(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of a published DiTSEM as those of our DiT on a CodeCondition.

    Args:
        state: Its ``state_dict()``, live or averaged.

    Raises:
        KeyError: It holds a tensor that a DiTSEM has not.
        ValueError: It has no table of tokens.
    """
    if TABLE not in state:
        raise ValueError(f"a DiTSEM has the tensor '{TABLE}', got "
                         f'{sorted(state)[:3]} and others; give the state '
                         'dict of the model or of its averages.')
    rest = {name: value for name, value in state.items() if name != TABLE}
    return plain_dit(rest) | {
        'condition_embed.table.weight': state[TABLE].flatten(0, 1)}


def encoder_from_published(state: Mapping[str, Tensor],
                           encoder: SimplicialEncoder) -> dict[str, Tensor]:
    """Weights of a published DINOv2 with a head, for our encoder.

    timm renames its vision transformer, and resamples the positions for the
    size of images of ``encoder``.

    Args:
        state: Entry ``teacher`` of a checkpoint.
        encoder: On :class:`PrefixTokens` of the same architecture.

    Raises:
        ValueError: ``encoder`` is on another network; there is no head.
    """
    from timm.models.vision_transformer import checkpoint_filter_fn
    if not isinstance(encoder.backbone, PrefixTokens):
        raise ValueError('the published encoder is a DINOv2: the encoder '
                         'below the head must be a PrefixTokens, got '
                         f'{type(encoder.backbone).__name__}.')
    own = {name.removeprefix('backbone.'): value
           for name, value in state.items()
           if not name.startswith(('dino_head.', 'ibot_head.'))}
    # Blocks may be grouped: blocks.GROUP.NUMBER.
    own = {re.sub(r'^blocks\.\d+\.(\d+)\.', r'blocks.\1.', name): value
           for name, value in own.items()}
    head = {name: value for name, value in own.items()
            if name.startswith(_HEAD)}
    if not head:
        raise ValueError('the file has no head: its tensors start with '
                         f'{_HEAD}, got {sorted(own)[:3]} and others; give '
                         "the entry 'teacher' of a training of DLC's code.")
    vit = {name: value for name, value in own.items()
           if name not in head and not name.startswith(_UNUSED)}
    vit = checkpoint_filter_fn(vit, encoder.backbone.backbone)
    return head | {f'backbone.backbone.{name}': value
                   for name, value in vit.items()}


def main(args: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog='python -m rcg.projects.dlc.convert', description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('part', choices=['encoder', 'dit'])
    parser.add_argument('file')
    parser.add_argument('out', help='file to write, .safetensors')
    given = parser.parse_args(args)
    from rcg.checkpoint import save_atomically
    from rcg.checkpoint.foreign import read_foreign
    from rcg.engine import load_config
    from rcg.registry import ENCODERS
    state = read_foreign(given.file)
    if given.part == 'dit':
        state = {f'generator.network.{name}': value for name, value in
                 dit_from_published(state.get('ema', state)).items()}
    else:
        cfg = load_config('projects/dlc/configs/imagenet/dlc_prior.py')
        encoder = ENCODERS.build(cfg._encoder.to_dict())
        state = encoder_from_published(state.get('teacher', state), encoder)
        encoder.load_state_dict(state)
    save_atomically({name: value.contiguous() for name, value in
                     state.items()}, given.out)
    print(given.out)


if __name__ == '__main__':
    main()
