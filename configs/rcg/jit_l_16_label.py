"""JiT-L/16 conditioned on class labels, not on representations; no RDM.

    GPUS=32 bash tools/slurm_train.sh PARTITION jit_l_16_label \\
        configs/rcg/jit_l_16_label.py

JiT's own setting. Published (arXiv:2511.13720; 50,000 images,
guided): FID 2.79 after 200 epochs and 2.36 after 600. 459 M parameters.
"""
_base_ = './jit_l_16.py'
work_dir = 'work_dirs/rcg/jit_l_16_label'
model = dict(
    encoder=None, rdm=None,
    generator=dict(network=dict(
        condition=dict(_delete_=True, type='LabelCondition',
                       num_classes=1000, drop_prob=.1))))
test_dataloader = dict(dataset=dict(num_classes=1000))
