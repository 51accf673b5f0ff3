"""RCG with MAGE-B on ImageNet; a leaf adds the encoder and its RDM."""
_base_ = [
    './default_runtime.py', './datasets/imagenet_256.py',
    './schedules/mage_imagenet.py', './models/imagenet_rdm.py',
    './models/imagenet_mage.py', './tokenizers/maskgit_vqgan.py',
    './evaluation/imagenet_fid.py'
]
# 64 processes. On 8, accumulate: optim_wrapper.accumulative_counts=8.
train_dataloader = dict(batch_size=64)
default_hooks = dict(checkpoint=dict(interval=5 * _base_._epoch_of_4096))
model = dict(
    type='RCG',
    data_preprocessor=dict(type='ImagePreprocessor'),
    tokenizer=_base_.tokenizer,
    rdm=_base_.rdm,
    generator=_base_.generator)
