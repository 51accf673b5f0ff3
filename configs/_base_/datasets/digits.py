"""Digits bundled with scikit-learn, 16x16: 1,438 to train, 359 held out."""
# The folder of all stages; RCG_ROOT=... before a command changes it.
_root = '{{$RCG_ROOT:work_dirs/quickstart}}'

_train = dict(type='Digits', split='train')
_held_out = dict(type='Digits', split='test')

train_dataloader = dict(
    batch_size=128,
    num_workers=0,  # all images are in memory
    dataset=_train,
    sampler=dict(type='StreamSampler'),
    collate_fn=dict(type='rcg.collate_batch'))

# All held-out digits, in batches that do not depend on the processes.
_held_out_loader = dict(
    batch_size=128, num_workers=0, dataset=_held_out,
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='SeedBatchSampler'),
    collate_fn=dict(type='rcg.collate_batch'))
