"""pixels.py given the cluster of a representation; it needs no RDM.

    export RCG_DATA=/path/to/images
    python tools/store_representations.py configs/folder/rdm.py \\
        --clusters 64 --out work_dirs/folder/clusters.safetensors
    python tools/train.py configs/folder/pixels_cluster.py
"""
_base_ = './pixels.py'
work_dir = f'{_base_._root}/pixels_cluster'
model = dict(
    rdm=dict(_base_._clusters, _delete_=True),
    generator=dict(network=dict(condition=_base_._cluster_condition)))
