"""Ablation: MAGE-B, 200 epochs, representations of MoCo v3 ViT-L.

    GPUS=64 bash tools/slurm_train.sh PARTITION mage_b_200ep_mocov3_vit_l \\
        configs/rcg/mage_b_200ep_mocov3_vit_l.py

Uses the released RDM of configs/rdm/mocov3_vit_l.py. Published
(arXiv:2312.03701 table 7b): FID 5.06, IS 148.2 against the validation
images, without guidance. All else as in mage_b_200ep.py: 5.07 and 142.5.
"""
_base_ = ['../_base_/rcg_imagenet.py', '../_base_/encoders/mocov3_vit_l.py']
work_dir = 'work_dirs/rcg/mage_b_200ep_mocov3_vit_l'
train_dataloader = dict(dataset=dict(pipeline=_base_._center_crop_292))
train_cfg = dict(max_samples=200 * _base_._epoch_of_4096 * 4096)
param_scheduler = _base_._scheduler_200_epochs
model = dict(
    encoder=_base_.encoder,
    rdm=dict(checkpoint=f'{_base_._weights}/rdm_mocov3_vit_l.safetensors'),
    generator=dict(guidance_scale=1.))
