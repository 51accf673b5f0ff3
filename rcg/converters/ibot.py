"""Weights published with iBOT (github.com/bytedance/ibot).

The layout is DINO's, with a second set of prototypes for patches. Neither set
is used, so both may be weight-normed or not.
"""
from rcg.converters.layout import VIT, Layout

_LAYOUT = Layout(
    'the teacher of a full iBOT checkpoint',
    names={
        **{'backbone.' + name: 'backbone.' + name for name in VIT},
        'head.mlp.{0}.*': 'head.{0}.*',
    },
    ignored={
        'head.last_layer.': 'prototypes of pre-training',
        'head.last_layer2.': 'prototypes of pre-training, for patches',
        'backbone.masked_embed': 'the mask token of pre-training',
    },
    needed={
        'backbone.': "Give the file's entry 'teacher'.",
        'head.mlp.': 'It looks like a backbone alone: take the full '
                     'checkpoint, which has the projector.',
    })

ibot_ignored = _LAYOUT.ignored
ibot_from_published = _LAYOUT.from_published
ibot_to_published = _LAYOUT.to_published
