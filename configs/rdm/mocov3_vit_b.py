"""RDM over MoCo v3 ViT-B representations, 62.7 million parameters.

    bash tools/dist_train.sh configs/rdm/mocov3_vit_b.py 4
    python tools/test.py configs/rdm/mocov3_vit_b.py \\
        checkpoints/rdm_mocov3_vit_b.safetensors

Makes what configs/rcg/mage_b.py needs: the released RDM of that name, the
README's 200 epochs on 4 V100 GPUs. Reported by the paper for 100 epochs: 154
V100 hours, nearly all of them the encoder's. Published representation FD of
this size: 0.48 from the training images (real ones: 0.38), 2.73 from the
validation images (real ones: 2.47). README.md says what measures which.
"""
_base_ = [
    '../_base_/rdm_imagenet.py', '../_base_/encoders/mocov3_vit_b.py'
]
work_dir = 'work_dirs/rdm/mocov3_vit_b'
model = dict(encoder=_base_.encoder)
val_evaluator = dict(encoder=_base_.encoder)
test_evaluator = [
    dict(metric, encoder=_base_.encoder) for metric in _base_.test_evaluator
]
