"""A folder of images, with or without labels, at 64x64.

Where it is: RCG_DATA=/path/to/images before a command; any nesting will do.
"""
# The folder of all stages; RCG_ROOT=... changes it.
_root = '{{$RCG_ROOT:work_dirs/folder}}'
_data_root = '{{$RCG_DATA:data/images}}'

# Without random transforms: codes and representations are computed once.
_images = dict(type='ImageFolder', data_root=_data_root, pipeline=[
    dict(type='Resize', size=64), dict(type='CenterCrop', size=64)])
train_dataloader = dict(
    batch_size=64,
    num_workers=4,
    persistent_workers=True,
    dataset=_images,
    sampler=dict(type='StreamSampler'),
    collate_fn=dict(type='rcg.collate_batch'))
