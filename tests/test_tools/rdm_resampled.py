# The RDM on digits, with timesteps that are drawn by the losses so far.
_base_ = '../../configs/digits/rdm.py'
model = dict(
    diffusion=dict(
        num_timesteps=20,
        schedule_sampler=dict(type='LossSecondMomentResampler',
                              history_per_term=2)),
    sampler=dict(num_steps=10))
