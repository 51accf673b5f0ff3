"""While training: FID and IS of 10,000 images, as the published code watches.

Off unless a config takes it, over any other of configs/rcg:

    _base_ = ['./NAME.py', '../_base_/evaluation/imagenet_watch.py']
    train_cfg = dict(val_interval=40 * _base_._epoch_of_4096)

Needs Inception and the validation images, as imagenet_fid.py does. Its price,
in shares of the training, without Inception's time; every 40 epochs, every 8
(reckoned from the rates of one H200 in docs/benchmarks.md, for ADM from the
paper's of V100s, and from all the steps of the sampler):

    MAGE-L  0.3 %, 1.5 %      DiT-XL  1.8 %, 9 %
    LDM-8   1.6 %, 8 %        ADM     2.5 %, 13 %

With 50,000 images (``--cfg-options val_dataloader.dataset.num_images=50000``)
it is five times that. FID of 10,000 images lies above that of 50,000: compare
``watch/fid`` with itself alone. Its seeds are not those of the test.
imagenet_proxy.py has an interval, from 5,000 images, and looks for copies.
"""
_watch_extractor = dict(
    type='Inception',
    weights_path='{{$RCG_WEIGHTS:checkpoints}}/'
    'weights-inception-2015-12-05-6726825d.pth')
val_cfg = dict(type='ValLoop')
val_dataloader = dict(
    batch_size=50,
    num_workers=0,
    dataset=dict(type='SeedDataset', num_images=10000, seed=1),
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='SeedBatchSampler'),
    collate_fn=dict(type='rcg.collate_batch'))
val_evaluator = [
    dict(type='InceptionScore', prefix='watch', extractor=_watch_extractor),
    dict(type='FrechetDistance', name='fid', prefix='watch',
         extractor=_watch_extractor,
         reference='{{$RCG_VAL:data/imagenet_val}}'),
]
