"""IDDPM on CIFAR-10 trained on the variational bound, without representations.

    python tools/train.py configs/cifar10/iddpm_vlb_uncond.py

Improved DDPM's L_vlb (arXiv:2102.09672 sections 3.1 and 3.3), its flags
``--use_kl True --schedule_sampler loss-second-moment``: better likelihoods,
worse FID than with the hybrid loss of iddpm_uncond.py. Nobody has trained it.
"""
_base_ = './iddpm_uncond.py'
work_dir = f'{_base_._root}/iddpm_vlb_uncond'
model = dict(generator=dict(diffusion=dict(
    use_kl=True,
    schedule_sampler=dict(type='LossSecondMomentResampler'))))
