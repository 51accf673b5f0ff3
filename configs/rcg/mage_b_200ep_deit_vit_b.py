"""Ablation: MAGE-B, 200 epochs, representations of DeiT ViT-B (supervised).

    GPUS=64 bash tools/slurm_train.sh PARTITION mage_b_200ep_deit_vit_b \\
        configs/rcg/mage_b_200ep_deit_vit_b.py

Needs the RDM of configs/rdm/deit_vit_b.py. Published
(arXiv:2312.03701 table 7a): FID 5.51, IS 211.7 against the validation
images, without guidance. All else as in mage_b_200ep.py: 5.07 and 142.5.
"""
_base_ = ['../_base_/rcg_imagenet.py', '../_base_/encoders/deit_vit_b.py']
work_dir = 'work_dirs/rcg/mage_b_200ep_deit_vit_b'
train_dataloader = dict(dataset=dict(pipeline=_base_._center_crop_292))
train_cfg = dict(max_samples=200 * _base_._epoch_of_4096 * 4096)
param_scheduler = _base_._scheduler_200_epochs
model = dict(
    encoder=dict(_base_.encoder, with_projector=False),
    rdm=dict(denoiser=dict(rep_dim=768),
             checkpoint='work_dirs/rdm/deit_vit_b'),
    generator=dict(network=dict(condition=dict(rep_dim=768)),
                   guidance_scale=1.))
