"""RDM over MoCo v3 ViT-L representations, 62.7 million parameters.

    bash tools/dist_train.sh configs/rdm/mocov3_vit_l.py 4
    python tools/test.py configs/rdm/mocov3_vit_l.py \\
        checkpoints/rdm_mocov3_vit_l.safetensors

Makes what configs/rcg/mage_l.py needs: the released RDM of that name, 200
epochs; 922 V100 hours as the paper reports it, nearly all the encoder's.
"""
_base_ = [
    '../_base_/rdm_imagenet.py', '../_base_/encoders/mocov3_vit_l.py'
]
work_dir = 'work_dirs/rdm/mocov3_vit_l'
model = dict(encoder=_base_.encoder)
val_evaluator = dict(encoder=_base_.encoder)
test_evaluator = [
    dict(metric, encoder=_base_.encoder) for metric in _base_.test_evaluator
]
