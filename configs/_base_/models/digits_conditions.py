"""What may take the RDM's place on digits. A leaf names it as a second base.

Files of representations are written by tools/store_representations.py.
"""
_conditions_root = '{{$RCG_ROOT:work_dirs/quickstart}}'
# Sampling draws a cluster as often as it has training digits.
_clusters = dict(
    type='StoredRepresentations', num=64, rep_dim=64,
    checkpoint=f'{_conditions_root}/clusters.safetensors')
_cluster_condition = dict(
    _delete_=True, type='ClusterCondition', clusters=_clusters, drop_prob=.1)
# Of the training digits: what a perfect RDM would give.
_oracle = dict(
    _delete_=True, type='StoredRepresentations', num=1438, rep_dim=64,
    checkpoint=f'{_conditions_root}/representations.safetensors')
# The rest of the RDM is that of digits_parts.py.
_rdm_flow = dict(
    diffusion=dict(_delete_=True, type='FlowMatching', parameterization='v'),
    sampler=dict(_delete_=True, type='EulerSampler', num_steps=50),
    checkpoint=f'{_conditions_root}/rdm_flow')
