"""FID and IS of 50,000 images, against both published references.

``val/fid``: the validation images as the published ones were made, bilinear,
center crop, PNG. It is the number of MAGE and of RCG's ablations.

    python tools/prepare_imagenet_val.py data/imagenet/val data/imagenet_val

``adm/fid``: statistics of the training images, the number of RCG's final
tables and of ADM, DiT and MAR. The file also gives sFID, and precision and
recall against its 10,000 images. Put it into the folder RCG_WEIGHTS:
https://openaipublic.blob.core.windows.net/diffusion/jul-2021/ref_batches/imagenet/256/VIRTUAL_imagenet256_labeled.npz

The two are not comparable. RCG_REFERENCES=val (or adm) before a command
leaves the other out; RCG_VAL names another folder, or an npz file made of it
by tools/reference_statistics.py. Statistics of the folder are computed once.
"""
_weights = '{{$RCG_WEIGHTS:checkpoints}}'
extractor = dict(
    type='Inception',
    weights_path=f'{_weights}/weights-inception-2015-12-05-6726825d.pth')
_val = '{{$RCG_VAL:data/imagenet_val}}'
_adm = f'{_weights}/VIRTUAL_imagenet256_labeled.npz'
_metrics_of = dict(
    val=[
        dict(type='FrechetDistance', name='fid', prefix='val',
             extractor=extractor, reference=_val),
    ],
    adm=[
        dict(type='FrechetDistance', name='fid', prefix='adm',
             extractor=extractor, reference=_adm),
        dict(type='FrechetDistance', name='sfid', prefix='adm',
             feature='spatial', extractor=extractor, reference=_adm),
        dict(type='PrecisionRecall', prefix='adm', extractor=extractor,
             reference=_adm),
    ])
_references = '{{$RCG_REFERENCES:val,adm}}'
if not set(_references.split(',')) <= set(_metrics_of):
    raise ValueError('RCG_REFERENCES must be val, adm or val,adm, got '
                     f'{_references!r}.')

test_cfg = dict(type='TestLoop')
test_dataloader = dict(
    batch_size=50,
    num_workers=0,
    dataset=dict(type='SeedDataset', num_images=50000, seed=0),
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='SeedBatchSampler'),
    collate_fn=dict(type='rcg.collate_batch'))
test_evaluator = [dict(type='InceptionScore', extractor=extractor)]
for _name in _references.split(','):
    test_evaluator += _metrics_of[_name]
