"""Ablation: MAGE-B, 200 epochs, representations of MoCo v3 ViT-S.

    GPUS=64 bash tools/slurm_train.sh PARTITION mage_b_200ep_mocov3_vit_s \\
        configs/rcg/mage_b_200ep_mocov3_vit_s.py

Needs the RDM of configs/rdm/mocov3_vit_s.py. Published
(arXiv:2312.03701 table 7b): FID 5.77, IS 120.8 against the validation
images, without guidance. All else as in mage_b_200ep.py: 5.07 and 142.5.
"""
_base_ = ['../_base_/rcg_imagenet.py', '../_base_/encoders/mocov3_vit_s.py']
work_dir = 'work_dirs/rcg/mage_b_200ep_mocov3_vit_s'
train_dataloader = dict(dataset=dict(pipeline=_base_._center_crop_292))
train_cfg = dict(max_samples=200 * _base_._epoch_of_4096 * 4096)
param_scheduler = _base_._scheduler_200_epochs
model = dict(
    encoder=_base_.encoder,
    rdm=dict(checkpoint='work_dirs/rdm/mocov3_vit_s'),
    generator=dict(guidance_scale=1.))
