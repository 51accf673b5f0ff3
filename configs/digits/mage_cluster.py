"""MAGE conditioned on the cluster of an image's representation; no RDM.

    python tools/store_representations.py configs/digits/rdm.py \\
        --clusters 64 --out work_dirs/quickstart/clusters.safetensors
    python tools/train.py configs/digits/mage_cluster.py

The paper's "cluster label" (arXiv:2312.03701, table 9a) on digits. Sampling
draws a cluster as often as it has training digits. FD stands in
docs/conditions.md.
"""
_base_ = ['./mage.py', '../_base_/models/digits_conditions.py']
work_dir = f'{_base_._root}/mage_cluster'
model = dict(
    rdm=dict(_base_._clusters, _delete_=True),
    generator=dict(network=dict(condition=_base_._cluster_condition)))
