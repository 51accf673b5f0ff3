"""Weights of the published DLC code (MIT licence), under our names.

    python -m rcg.projects.dlc.convert encoder teacher_checkpoint.pth OUT
    python -m rcg.projects.dlc.convert prior model.safetensors OUT
    python -m rcg.projects.dlc.convert dit custom_checkpoint_0.pkl OUT

The names are those that the published code gives its modules; no published
file was at hand.
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
# Starts of names in a SEDD, and ours.
_SEDD = {
    r'^vocab_embed\.embedding$': 'word',
    r'^pos_embed$': 'position',
    r'^sigma_map\.mlp\.': 'time_embed.',
    r'^output_layer\.norm_final\.': 'norm.',
    r'^output_layer\.linear\.': 'head.',
    r'^output_layer\.adaLN_modulation\.': 'modulation.',
    r'^(blocks\.\d+\.)attn_qkv\.': r'\1attn.qkv.',
    r'^(blocks\.\d+\.)attn_out\.': r'\1attn.proj.',
    r'^(blocks\.\d+\.)adaLN_modulation\.': r'\1modulation.',
    r'^(blocks\.\d+\.(?:norm[12]|mlp\.[02])\.)': r'\1',
}


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


def prior_from_published(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of a published SEDD as those of our ScoreTransformer.

    Its score of "hidden" is left out: no loss and no sampler reads it.

    Args:
        state: Its ``state_dict()``; names may have a common start, such as
            that of a class around it.

    Raises:
        KeyError: It holds a tensor that a SEDD with one table of tokens for
            all places has not.
        ValueError: It is no SEDD.
    """
    found = [name for name in state if name.endswith('sigma_map.mlp.0.weight')]
    if len(found) != 1:
        raise ValueError("a SEDD has the tensor 'sigma_map.mlp.0.weight', got "
                         f'{sorted(state)[:3]} and others; give the state '
                         'dict of the model.')
    start = found[0].removesuffix('sigma_map.mlp.0.weight')
    converted = {}
    for name, value in state.items():
        own = name.removeprefix(start)
        if own == 'rotary_emb.inv_freq':
            continue
        pattern = next((one for one in _SEDD if re.match(one, own)), None)
        if pattern is None:
            raise KeyError(f"a SEDD with a table of tokens that all places "
                           f"share has no tensor '{name}'.")
        own = re.sub(pattern, _SEDD[pattern], own)
        converted[own] = value[:-1] if own.startswith('head.') else value
    return converted


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
    parser.add_argument('part', choices=['encoder', 'prior', 'dit'])
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
    elif given.part == 'prior':
        state = {f'denoiser.{name}': value for name, value in
                 prior_from_published(state.get('model', state)).items()}
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
