"""Ablation: MAGE-B, 200 epochs, representations of DINO ViT-B.

    GPUS=64 bash tools/slurm_train.sh PARTITION mage_b_200ep_dino_vit_b \\
        configs/rcg/mage_b_200ep_dino_vit_b.py

Needs the RDM of configs/rdm/dino_vit_b.py. Published
(arXiv:2312.03701 table 7a): FID 7.53, IS 160.8 against the validation
images, without guidance. All else as in mage_b_200ep.py: 5.07 and 142.5.
"""
_base_ = ['../_base_/rcg_imagenet.py', '../_base_/encoders/dino_vit_b.py']
work_dir = 'work_dirs/rcg/mage_b_200ep_dino_vit_b'
train_dataloader = dict(dataset=dict(pipeline=_base_._center_crop_292))
train_cfg = dict(max_samples=200 * _base_._epoch_of_4096 * 4096)
param_scheduler = _base_._scheduler_200_epochs
model = dict(
    encoder=_base_.encoder,
    rdm=dict(checkpoint='work_dirs/rdm/dino_vit_b'),
    generator=dict(guidance_scale=1.))
