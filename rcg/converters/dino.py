"""Weights published with DINO (github.com/facebookresearch/dino).

The teacher's backbone and projector are used. The prototypes that follow the
projector do not affect representations and are ignored. So they may be
weight-normed (``weight_g``, ``weight_v``), as in DINO's full checkpoints, or
not, as RCG's own loader requires.
"""
from rcg.converters.layout import VIT, Layout

_LAYOUT = Layout(
    'the teacher of a full DINO checkpoint',
    names={
        **{'backbone.' + name: 'backbone.' + name for name in VIT},
        'head.mlp.{0}.*': 'head.{0}.*',
    },
    ignored={'head.last_layer.': 'prototypes of pre-training'},
    needed={
        'backbone.': "Give the file's entry 'teacher'.",
        'head.mlp.': 'It looks like a backbone alone: take the full '
                     'checkpoint, which has the projector.',
    })

dino_ignored = _LAYOUT.ignored
dino_from_published = _LAYOUT.from_published
dino_to_published = _LAYOUT.to_published
