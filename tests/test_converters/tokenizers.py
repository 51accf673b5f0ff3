"""What the tests of the VQGANs' converters share."""
import torch

from rcg.engine import load_config
from rcg.registry import TOKENIZERS
from tests.reference import load_manifest


def assert_full_size_fits(name, config, checkpoint, build, to_published,
                          from_published):
    """The tokenizer of a config has all tensors of a manifest, both ways.

    ``build`` makes it from the published sizes. Returns its parameters and
    the elements of the published tensors.
    """
    manifest = load_manifest(name)
    wanted = {name: tuple(shape)
              for name, (shape, _) in manifest['state_dict'].items()}
    cfg = load_config(f'configs/_base_/tokenizers/{config}').tokenizer
    assert cfg.pop('checkpoint') == checkpoint
    with torch.device('meta'):
        configured, sized = TOKENIZERS.build(cfg), build(manifest['config'])
        theirs = {name: torch.empty(shape) for name, shape in wanted.items()}
    ours = configured.state_dict()
    assert repr(configured) == repr(sized)
    assert {n: tuple(t.shape)
            for n, t in to_published(ours).items()} == wanted
    assert {n: t.shape for n, t in from_published(theirs).items()} == {
        n: t.shape for n, t in ours.items()}
    return (sum(p.numel() for p in configured.parameters()),
            sum(t.numel() for t in theirs.values()))
