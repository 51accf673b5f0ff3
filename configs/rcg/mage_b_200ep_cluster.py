"""Ablation: MAGE-B, 200 epochs, the cluster of a representation; no RDM.

    python tools/store_representations.py configs/rcg/mage_b_200ep.py \\
        --clusters 1000 --out data/clusters_mocov3_vit_b.safetensors \\
        --cfg-options model.rdm=None
    GPUS=64 bash tools/slurm_train.sh PARTITION mage_b_200ep_cluster \\
        configs/rcg/mage_b_200ep_cluster.py

Published (arXiv:2312.03701 table 9a, "cluster label"): FID 6.60, IS 121.9
against the validation images; with class labels (mage_b_200ep_label.py) 5.83,
with an RDM (mage_b_200ep.py) 5.07. The number of clusters, that of the
classes, is a guess.
"""
_base_ = './mage_b_200ep.py'
work_dir = 'work_dirs/rcg/mage_b_200ep_cluster'
_clusters = dict(
    type='StoredRepresentations', num=1000, rep_dim=256,
    checkpoint='data/clusters_mocov3_vit_b.safetensors')
model = dict(
    rdm=dict(_clusters, _delete_=True),
    generator=dict(network=dict(condition=dict(
        _delete_=True, type='ClusterCondition', clusters=_clusters))))
