"""RDM over MoCo v3 ViT-B representations, 62.7 million parameters.

    bash tools/dist_train.sh configs/rdm/mocov3_vit_b.py 4
    python tools/test.py configs/rdm/mocov3_vit_b.py \\
        checkpoints/rdm_mocov3_vit_b.safetensors

Makes what configs/rcg/mage_b.py needs: the released RDM of that name, the
README's 200 epochs on 4 V100 GPUs. Reported by the paper for 100 epochs: 154
V100 hours, nearly all of them the encoder's. Published representation FD of
this size: 0.48 against the validation images (training images have 0.38).
"""
_base_ = [
    '../_base_/rdm_imagenet.py', '../_base_/encoders/mocov3_vit_b.py'
]
work_dir = 'work_dirs/rdm/mocov3_vit_b'
model = dict(encoder=_base_.encoder)
val_evaluator = dict(_base_.val_evaluator, encoder=_base_.encoder)
test_evaluator = val_evaluator
