"""RCG with MAGE-L by the published README's command: 200 epochs.

    python tools/test.py configs/rcg/mage_l_200ep.py work_dirs/rcg/mage_l_200ep
    GPUS=64 bash tools/slurm_train.sh PARTITION mage_l_200ep \\
        configs/rcg/mage_l_200ep.py

Images as in mage_b_200ep.py. Published for 200 epochs (arXiv:2312.03701,
table of costs), without guidance: FID 4.09 in the ADM suite. 64 V100 GPUs,
1.8 days.
"""
_base_ = './mage_l.py'
work_dir = 'work_dirs/rcg/mage_l_200ep'
train_dataloader = dict(dataset=dict(pipeline=_base_._center_crop_292))
train_cfg = dict(max_samples=200 * _base_._epoch_of_4096 * 4096)
param_scheduler = _base_._scheduler_200_epochs
model = dict(generator=dict(guidance_scale=1.))
