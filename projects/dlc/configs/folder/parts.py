"""The parts of DLC for a folder of images, whatever the preset.

A leaf names this file beside one of ``rcg::folder``, and gives the encoder of
the preset a head.
"""
custom_imports = dict(imports=['rcg.projects.dlc'],
                      allow_failed_imports=False)
_codes_root = '{{$RCG_ROOT:work_dirs/folder}}'  # that of rcg::folder
_code = dict(num_tokens=16, num_codes=16)
_head = dict(type='SimplicialEncoder', temperature=.5, out_dim=64, **_code)
_weights = dict(prefix='encoder.', checkpoint=f'{_codes_root}/dlc_encoder')
_prior = dict(
    type='CodeDiffuser',
    denoiser=dict(type='CodeTransformer', dim=96, depth=3, num_heads=3,
                  drop=.1, tables='each', **_code),
    diffusion=dict(type='AbsorbingDiffusion'),
    sampler=dict(type='UnmaskingSampler', num_steps=32))
_given_codes = dict(
    rdm=dict(_prior, _delete_=True, checkpoint=f'{_codes_root}/dlc_prior'),
    generator=dict(network=dict(condition=dict(
        _delete_=True, type='CodeCondition', drop_prob=.1, **_code))))
_code_oracle = dict(
    _delete_=True, type='StoredRepresentations', rep_dim=_code['num_tokens'],
    num=int('{{$RCG_STORED:1000}}'), num_codes=_code['num_codes'],
    checkpoint=f'{_codes_root}/codes.safetensors')
# For projects/comparison: whose encoder makes that file.
_made = {'codes.safetensors': ('dlc_prior', )}
