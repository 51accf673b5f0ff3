"""RDM over DeiT ViT-B representations, 100 epochs: an ablation.

    bash tools/dist_train.sh configs/rdm/deit_vit_b.py 4

Makes what configs/rcg/mage_b_200ep_deit_vit_b.py needs. No such RDM
is released. Whether the paper took DeiT's features or its 1,000 logits is
not published; these are the features.
"""
_base_ = ['../_base_/rdm_imagenet.py', '../_base_/encoders/deit_vit_b.py']
work_dir = 'work_dirs/rdm/deit_vit_b'
train_cfg = dict(max_samples=100 * _base_._epoch_of_512 * 512)
_encoder = dict(_base_.encoder, with_projector=False)
model = dict(encoder=_encoder, denoiser=dict(rep_dim=768))
val_evaluator = dict(encoder=_encoder)
test_evaluator = [
    dict(metric, encoder=_encoder) for metric in _base_.test_evaluator
]
