"""AdamW with a warm-up, a constant rate, and a decay in the last fifth.

A run that is extended (tools/train.py --extend N) needs no warm-up: its rate
is the constant one at once, and it decays in the last fifth of the extension
(WSD-S, arXiv:2410.05192). Floats of begin and end are shares of the run.
"""
_base_ = 'cosine.py'
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-3, begin=0, end=.05,
         by_epoch=False),
    dict(type='CosineAnnealingLR', begin=.8, end=1., by_epoch=False),
]
