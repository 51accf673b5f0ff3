"""Weights published with DeiT (github.com/facebookresearch/deit)."""
from rcg.converters.layout import VIT, Layout

_LAYOUT = Layout(
    'a DeiT checkpoint (without distillation token)',
    names={
        **{name: 'backbone.' + name for name in VIT},
        'head.*': 'head.*',
    },
    needed={
        'cls_token': "Give the file's entry 'model'.",
        'head.': 'It looks like a backbone without its classifier, which RCG '
                 'uses as projector: take the file as DeiT published it.',
    })

deit_ignored = _LAYOUT.ignored
deit_from_published = _LAYOUT.from_published
deit_to_published = _LAYOUT.to_published
