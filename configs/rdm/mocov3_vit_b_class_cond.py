"""Class-conditional RDM over MoCo v3 ViT-B representations.

    bash tools/dist_train.sh configs/rdm/mocov3_vit_b_class_cond.py 4
    python tools/test.py configs/rdm/mocov3_vit_b_class_cond.py \\
        checkpoints/rdm_mocov3_vit_b_class_cond.safetensors

Makes what configs/rcg/mage_b_class_cond.py needs. A label embedding of
width 512 enters every block; it has no average, as published. 72.7 million
parameters; time as without labels.
"""
_base_ = './mocov3_vit_b.py'
work_dir = 'work_dirs/rdm/mocov3_vit_b_class_cond'
model = dict(num_classes=1000, denoiser=dict(context_dim=512))
val_dataloader = dict(dataset=dict(num_classes=1000))
test_dataloader = val_dataloader
