# MAGE on digits with what makes resuming hard: averages, dropout, workers.
_base_ = '../../configs/digits/mage.py'
model = dict(generator=dict(network=dict(drop=.1)))
train_dataloader = dict(num_workers=2)
custom_hooks = [
    dict(type='TrainableEMAHook', decay=.99),
    dict(type='CacheFeaturesHook', cache_dir='work_dirs/quickstart/features',
         names=['codes', 'representations']),
]
