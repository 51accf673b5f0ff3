"""The parts of DLC for digits, untrained: codes of 16 tokens, 16 codes each.

A leaf names this file beside one of ``rcg::digits``.
"""
custom_imports = dict(imports=['rcg.projects.dlc'],
                      allow_failed_imports=False)
# The convolutions and the projector of rcg::digits.
_encoder = dict(
    type='SimplicialEncoder',
    encoder=dict(type='ConvEncoder', widths=(32, 64, 128, 128),
                 strides=(2, 2, 2, 1), projector_hidden_dim=256,
                 projector_dim=64),
    num_tokens=16, num_codes=16, temperature=.5, out_dim=64)
# In the folder of rcg::digits.
_frozen_encoder = dict(
    _encoder, prefix='encoder.',
    checkpoint='{{$RCG_ROOT:work_dirs/quickstart}}/dlc_encoder')
_prior = dict(
    type='CodeDiffuser',
    denoiser=dict(type='CodeTransformer', num_tokens=16, num_codes=16, dim=96,
                  depth=3, num_heads=3, drop=.1, tables='each'),
    diffusion=dict(type='AbsorbingDiffusion'),
    sampler=dict(type='UnmaskingSampler', num_steps=32))
_condition = dict(type='CodeCondition', num_tokens=16, num_codes=16,
                  drop_prob=.1)
