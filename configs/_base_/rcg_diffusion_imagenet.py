"""RCG with diffusion over pixels or latents on ImageNet: ADM, LDM, DiT.

A leaf adds the tokenizer, the network and how it is sampled. The encoder is
MoCo v3 ViT-B for all. The learning rate is constant.

float32, as the published flags of ADM say. In bfloat16:
``--cfg-options optim_wrapper.dtype=bfloat16``.
"""
_base_ = [
    './default_runtime.py', './datasets/imagenet_256.py',
    './models/imagenet_rdm.py', './encoders/mocov3_vit_b.py',
    './evaluation/imagenet_fid.py'
]
optim_wrapper = dict(
    type='AutocastOptimWrapper', dtype='float32',
    optimizer=dict(type='AdamW', lr=1e-4, weight_decay=0., fused=True))
model = dict(
    type='RCG',
    data_preprocessor=dict(type='ImagePreprocessor'),
    encoder=_base_.encoder,
    rdm=dict(_base_.rdm,
             checkpoint=f'{_base_._weights}/rdm_mocov3_vit_b.safetensors'),
    generator=dict(
        type='DiffusionGenerator',
        network=dict(condition=dict(type='RepresentationCondition',
                                    rep_dim=256, drop_prob=0.)),
        diffusion=dict(type='GaussianDiffusion', parameterization='eps',
                       schedule='linear', learn_variance=True),
        sampler=dict(type='DDPMSampler', num_steps=250)))
# As published for ADM and DiT; early averages still hold the random start.
custom_hooks = [
    dict(type='TrainableEMAHook', decay=.9999, warmup=False),
]
