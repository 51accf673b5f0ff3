"""AdamW with warm-up over a tenth of the run, then a cosine to zero.

Floats of begin and end are shares of the run.
"""
optim_wrapper = dict(
    type='AutocastOptimWrapper', dtype='float32',
    constructor='TwoGroupConstructor',
    optimizer=dict(type='AdamW', lr=2e-3, betas=(.9, .95), weight_decay=.05))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-3, begin=0, end=.1,
         by_epoch=False),
    dict(type='CosineAnnealingLR', begin=.1, end=1., by_epoch=False),
]
