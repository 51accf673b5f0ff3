"""RDM over MoCo v3 ViT-B with a head of 128 outputs, 100 epochs.

    bash tools/dist_train.sh configs/rdm/mocov3_vit_b_proj_128.py 4

Needs the encoder of configs/encoders/mocov3_vit_b_proj_128.py, and makes what
configs/rcg/mage_b_200ep_proj_128.py needs. No such RDM is released.
"""
_base_ = './mocov3_vit_b_100ep.py'
work_dir = 'work_dirs/rdm/mocov3_vit_b_proj_128'
_encoder = dict(
    _base_.model.encoder, projector_dim=128, prefix='encoder.',
    checkpoint='work_dirs/encoders/mocov3_vit_b_proj_128')
model = dict(encoder=_encoder, denoiser=dict(rep_dim=128))
val_evaluator = dict(encoder=_encoder)
test_evaluator = [
    dict(metric, encoder=_encoder) for metric in _base_.test_evaluator
]
