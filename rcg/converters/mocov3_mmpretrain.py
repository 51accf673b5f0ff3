"""MoCo v3 as MMPretrain publishes it (github.com/open-mmlab/mmpretrain).

Its pre-training files hold the whole model in ``state_dict``: the backbone
and neck, which make up our encoder, a predictor, and moving averages. Files
of linear and fine-tuned classifiers have a backbone but no neck.
"""
from rcg.converters.layout import VIT, Layout

# Prefix of a layer: theirs -> ours.
_LAYERS = {
    'patch_embed.projection.': 'patch_embed.proj.',
    'layers.{0}.ln1.': 'blocks.{0}.norm1.',
    'layers.{0}.ln2.': 'blocks.{0}.norm2.',
    'layers.{0}.ffn.layers.0.0.': 'blocks.{0}.mlp.fc1.',
    'layers.{0}.ffn.layers.1.': 'blocks.{0}.mlp.fc2.',
    'layers.{0}.attn.': 'blocks.{0}.attn.',
    'ln1.': 'norm.',
}


def _theirs(name: str) -> str:
    for theirs, ours in _LAYERS.items():
        if name.startswith(ours):
            return theirs + name.removeprefix(ours)
    return name


_LAYOUT = Layout(
    "MMPretrain's MoCo v3 pre-training checkpoint",
    names={
        **{'backbone.' + _theirs(name): 'backbone.' + name for name in VIT},
        # Linear layers and batch norms. Our indices count ReLUs as well.
        **{f'neck.{layer}{i}.*': f'head.{3 * i + j}.*'
           for i in range(3) for j, layer in enumerate(('fc', 'bn'))},
    },
    ignored={
        'momentum_encoder.': 'the target network of pre-training',
        'head.predictor.': 'the predictor of pre-training',
    },
    needed={
        'backbone.layers.': "Give the file's entry 'state_dict'.",
        'neck.': 'It looks like a backbone or a classifier without the '
                 'projector: take the pre-training file.',
    })

mocov3_mmpretrain_ignored = _LAYOUT.ignored
mocov3_mmpretrain_from_published = _LAYOUT.from_published
mocov3_mmpretrain_to_published = _LAYOUT.to_published
