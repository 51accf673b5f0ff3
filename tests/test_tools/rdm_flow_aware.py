# The RDM on digits by flow matching, with times drawn by the losses so far.
_base_ = '../../configs/digits/rdm_flow.py'
model = dict(
    diffusion=dict(
        times=dict(type='LossAwareTimes', num_bins=8, history_per_term=2)),
    sampler=dict(num_steps=10))
