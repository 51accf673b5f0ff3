"""RCG on digits with a transformer of timm in place of DiT.

    python tools/train.py projects/timm_denoiser/configs/digits.py

Needs encoder, latents, RDM and classifier of the quick start:
bash tools/quickstart.sh --generators mage,dit
"""
_base_ = 'rcg::digits/dit.py'
custom_imports = dict(imports=['rcg.projects.timm_denoiser'],
                      allow_failed_imports=False)
work_dir = 'work_dirs/timm_denoiser'
model = dict(generator=dict(
    network=dict(
        _delete_=True, type='TimmDenoiser', model='vit_tiny_patch16_224',
        depth=4, input_size=4, patch_size=1, in_channels=4,
        condition=dict(type='RepresentationCondition', rep_dim=64,
                       drop_prob=.1)),
    diffusion=dict(learn_variance=False)))
