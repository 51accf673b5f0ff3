"""sit_xl.py, whose hidden tokens are aligned with patches of an encoder: REPA.

    GPUS=16 bash tools/slurm_train.sh PARTITION sit_xl_repa \\
        configs/rcg/sit_xl_repa.py

Representation alignment (arXiv:2410.06940): after 8 of 28 blocks, an MLP of
three layers, weight .5, 16 x 16 images. Here the patches are those of the
encoder that conditions, MoCo v3 ViT-B, which has seen no labels; its 14x14
patches are resampled to the 16x16 tokens. The paper's best encoder is DINOv2
ViT-B, whose weights are those of timm:

    model = dict(patch_encoder=dict(
        _delete_=True, type='TimmEncoder', input_size=224,
        model='vit_base_patch14_dinov2.lvd142m'))

800 epochs (4 million steps). Never run; nothing is published with the
condition of RCG. With labels the paper has FID 5.9 without guidance.
"""
_base_ = './sit_xl.py'
work_dir = 'work_dirs/rcg/sit_xl_repa'
train_cfg = dict(max_samples=800 * _base_._epoch_of_256 * 256)
model = dict(
    type='AlignedRCG',
    patch_encoder=_base_.encoder,
    generator=dict(
        type='AlignedDiffusionGenerator',
        alignment=dict(feature_dim=768, depth=8, weight=.5)))
