"""DINOv2 ViT-L with the head of DLC, learned with MoCo v3. Never run.

    bash tools/dist_train.sh projects/dlc/configs/imagenet/dlc_encoder.py 8

Not what was published: there DINOv2 itself goes on, with the head in the
place of its class token, which rcg does not have. With the published weights,
converted, this is not needed (README.md).
"""
_base_ = ['rcg::encoders/mocov3_vit_b.py', './parts.py']
work_dir = 'work_dirs/dlc/dlc_encoder'
train_cfg = dict(max_samples=10 * _base_._epoch_of_4096 * 4096)
model = dict(
    encoder=dict(_base_._encoder, _delete_=True,
                 encoder=dict(_base_._encoder['encoder'], pretrained=True)))
