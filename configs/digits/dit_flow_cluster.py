"""dit_flow.py conditioned on clusters of representations, as mage_cluster.py.

    python tools/store_representations.py configs/digits/rdm.py \\
        --clusters 64 --out work_dirs/quickstart/clusters.safetensors
    python tools/train.py configs/digits/dit_flow_cluster.py
"""
_base_ = ['./dit_flow.py', '../_base_/models/digits_conditions.py']
work_dir = f'{_base_._root}/dit_flow_cluster'
model = dict(
    rdm=dict(_base_._clusters, _delete_=True),
    generator=dict(network=dict(condition=_base_._cluster_condition)))
