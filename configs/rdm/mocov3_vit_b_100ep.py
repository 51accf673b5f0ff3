"""RDM over MoCo v3 ViT-B, 100 epochs: the default of the paper's ablations.

    bash tools/dist_train.sh configs/rdm/mocov3_vit_b_100ep.py 4

4 V100 GPUs; 154 V100 hours as the paper reports it. The paper's other sizes
and numbers of steps are options, such as

    --cfg-options model.denoiser.num_blocks=6 model.denoiser.width=1024
    --cfg-options model.sampler.num_steps=100
"""
_base_ = './mocov3_vit_b.py'
work_dir = 'work_dirs/rdm/mocov3_vit_b_100ep'
train_cfg = dict(max_samples=100 * _base_._epoch_of_512 * 512)
