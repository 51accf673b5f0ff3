"""JiT-B/16 conditioned on class labels, not on representations; no RDM.

    GPUS=32 bash tools/slurm_train.sh PARTITION jit_b_16_label \\
        configs/rcg/jit_b_16_label.py

JiT's own setting. Published (arXiv:2511.13720; 50,000 images,
guided): FID 4.37 after 200 epochs and 3.66 after 600. 131 M parameters.
"""
_base_ = './jit_b_16.py'
work_dir = 'work_dirs/rcg/jit_b_16_label'
model = dict(
    encoder=None, rdm=None,
    generator=dict(network=dict(
        condition=dict(_delete_=True, type='LabelCondition',
                       num_classes=1000, drop_prob=.1))))
test_dataloader = dict(dataset=dict(num_classes=1000))
