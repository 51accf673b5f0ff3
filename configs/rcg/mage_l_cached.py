"""MAGE-L as in mage_l.py, from eight stored views of each image.

    bash tools/dist_cache_features.sh configs/rcg/mage_l_cached.py 8
    GPUS=64 bash tools/slurm_train.sh PARTITION mage_l_cached \\
        configs/rcg/mage_l_cached.py

The paper draws crop and flip anew in each epoch. Here the same views come back
every eighth epoch, and encoder and tokenizer, 38 % of the operations of a
training step, run in 8 epochs in place of 800. Nobody has trained it; what few
views cost on digits: docs/benchmarks.md. RCG_CACHE=... is where the views are:
10.5 GB.
"""
_base_ = './mage_l.py'
work_dir = 'work_dirs/rcg/mage_l_cached'
custom_hooks = [
    dict(type='CacheFeaturesHook', cache_dir='{{$RCG_CACHE:data/features}}',
         views=8, dtype='float16', compute=False, num_workers=10),
]
