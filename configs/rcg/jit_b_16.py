"""RCG with JiT-B/16 on ImageNet 256x256: a transformer over patches of pixels.

    GPUS=32 bash tools/slurm_train.sh PARTITION jit_b_16 \\
        configs/rcg/jit_b_16.py

JiT (arXiv:2511.13720) under the condition of RCG: no tokenizer, patches of
16x16 pixels through a bottleneck of 128 values, a prediction of the clean
image, and a flow's loss in v. The recipe is the paper's: 600 epochs, 1,024
images a step, Adam with rate 2e-4 and betas (.9, .95), 5 epochs of warm-up,
an average of .9999, bfloat16, logit-normal times, 50 steps of Heun. Images are
those of the other configs here (a random crop, where JiT has the central one).

Nothing is published with representations. With labels: jit_b_16_label.py. 130
million parameters. A tenth of the representations is dropped, so
``--cfg-options model.generator.guidance_scale=2`` guides; the paper guides in
the last nine tenths of the way, as ``guidance.interval`` says.
"""
_base_ = [
    '../_base_/rcg_diffusion_imagenet.py', '../_base_/models/jit_sizes.py',
    '../_base_/tokenizers/pixels.py'
]
work_dir = 'work_dirs/rcg/jit_b_16'
train_dataloader = dict(batch_size=32)
train_cfg = dict(type='StreamTrainLoop',
                 max_samples=600 * _base_._epoch_of_1024 * 1024)
default_hooks = dict(checkpoint=dict(interval=5 * _base_._epoch_of_1024))
optim_wrapper = dict(
    dtype='bfloat16', optimizer=dict(lr=2e-4, betas=(.9, .95)))
param_scheduler = [
    # From zero, nearly: MMEngine wants more than zero.
    dict(type='LinearLR', start_factor=1e-6, begin=0, end=5 / 600,
         by_epoch=False),
]
model = dict(
    tokenizer=_base_.tokenizer,
    generator=dict(
        network=dict(_base_._jit['b'], type='DiT', input_size=256,
                     patch_size=16, in_channels=3, learn_variance=False,
                     condition=dict(drop_prob=.1)),
        diffusion=dict(
            _delete_=True, type='FlowMatching', parameterization='x0',
            loss_space='v', lowest=.05,
            # The paper counts from noise to data: its mean is -.8.
            times=dict(type='LogitNormalTimes', mean=.8, std=.8)),
        sampler=dict(_delete_=True, type='HeunFlowSampler', num_steps=50),
        guidance_scale=1., guidance=dict(interval=(.1, 1.))))
