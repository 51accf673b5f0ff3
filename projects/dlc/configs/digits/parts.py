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
_codes_root = '{{$RCG_ROOT:work_dirs/quickstart}}'  # that of rcg::digits
_frozen_encoder = dict(_encoder, prefix='encoder.',
                       checkpoint=f'{_codes_root}/dlc_encoder')
_prior = dict(
    type='CodeDiffuser',
    denoiser=dict(type='CodeTransformer', num_tokens=16, num_codes=16, dim=96,
                  depth=3, num_heads=3, drop=.1, tables='each'),
    diffusion=dict(type='AbsorbingDiffusion'),
    sampler=dict(type='UnmaskingSampler', num_steps=32))
_condition = dict(type='CodeCondition', num_tokens=16, num_codes=16,
                  drop_prob=.1)
# A generator of rcg::digits, given codes in place of representations.
_given_codes = dict(
    encoder=dict(_frozen_encoder, _delete_=True),
    rdm=dict(_prior, _delete_=True, checkpoint=f'{_codes_root}/dlc_prior'),
    generator=dict(network=dict(condition=dict(_condition, _delete_=True))))
# The codes of the training digits: what a perfect prior would draw.
_oracle = dict(
    _delete_=True, type='StoredRepresentations', num=1438, rep_dim=16,
    num_codes=16, checkpoint=f'{_codes_root}/codes.safetensors')
# For projects/comparison: whose encoder makes that file.
_made = {'codes.safetensors': ('dlc_prior', )}
