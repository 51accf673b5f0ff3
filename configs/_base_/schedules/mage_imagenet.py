"""How RCG trains MAGE on ImageNet: 4096 images a step, 800 epochs.

The published code runs in float16 with a scaled loss. Here it is bfloat16,
which needs no scaling and a CPU has, too; as published, on a GPU:

    --cfg-options optim_wrapper.type=AmpOptimWrapper \\
        optim_wrapper.dtype=float16

The frozen encoder and tokenizer run in the same precision. MMEngine's warm-up
reaches the full rate one iteration before the published one does.
"""
train_cfg = dict(type='StreamTrainLoop', max_samples=800 * 312 * 4096)
optim_wrapper = dict(
    type='AutocastOptimWrapper', dtype='bfloat16',
    constructor='TwoGroupConstructor',
    clip_grad=dict(max_norm=3.),
    # lr = base_lr * batch / 256: 1.5e-4 * 4096 / 256 = 2.4e-3
    optimizer=dict(type='AdamW', base_lr=1.5e-4, betas=(.9, .95),
                   weight_decay=.05))
# Floats of begin and end are shares of the run.
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, begin=0, end=10 / 800,
         by_epoch=False),
    dict(type='CosineAnnealingLR', begin=10 / 800, end=1., by_epoch=False),
]
_scheduler_200_epochs = [
    dict(type='LinearLR', start_factor=1e-6, begin=0, end=10 / 200,
         by_epoch=False),
    dict(type='CosineAnnealingLR', begin=10 / 200, end=1., by_epoch=False),
]
