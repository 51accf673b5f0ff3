"""dit_dh_xl.py with labels, as published: 839 M parameters, FID 1.51.

    bash tools/dist_train.sh \\
        projects/rae/configs/imagenet/dit_dh_xl_label.py 64

That is without guidance; with it the paper reports 1.13.
"""
_base_ = './dit_dh_xl.py'
work_dir = 'work_dirs/rae/dit_dh_xl_label'
model = dict(
    encoder=None, rdm=None,
    generator=dict(network=dict(condition=dict(
        _delete_=True, type='LabelCondition', num_classes=1000,
        drop_prob=.1))))
test_dataloader = dict(dataset=dict(num_classes=1000))
