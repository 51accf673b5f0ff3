"""RCG with a transformer over patches of pixels on digits; no tokenizer.

    python tools/train.py configs/digits/pixel_dit.py

JiT (arXiv:2511.13720) at a digit's size: patches of 4x4 pixels, a prediction
of the clean image, a flow's loss in v. As large as dit.py. Needs encoder, RDM
and classifier (configs/digits/*.py).
"""
_base_ = './dit.py'
work_dir = f'{_base_._root}/pixel_dit'
model = dict(
    tokenizer=dict(_delete_=True, type='Pixels'),
    generator=dict(
        network=dict(
            input_size=16, patch_size=4, in_channels=3, learn_variance=False,
            form=dict(rms_norm=True, swiglu=True, rotary=True, qk_norm=True,
                      # A patch has 48 values, 16 of which differ.
                      bottleneck_dim=16, context_tokens=4, context_start=2)),
        diffusion=dict(_delete_=True, type='FlowMatching',
                       parameterization='x0', loss_space='v',
                       times=dict(type='LogitNormalTimes')),
        sampler=dict(_delete_=True, type='HeunFlowSampler', num_steps=10)))
