"""The diffusion core: schedules, losses and samplers on plain tensors."""
from .gaussian import GaussianDiffusion
from .samplers import (
    DDIMSampler,
    DDPMSampler,
    DPMSolverSampler,
    HeunSampler,
    Prediction,
)
from .schedule_samplers import LossSecondMomentResampler
from .schedules import NoiseSchedule, make_betas, space_timesteps

__all__ = [
    'DDIMSampler', 'DDPMSampler', 'DPMSolverSampler', 'GaussianDiffusion',
    'HeunSampler', 'LossSecondMomentResampler', 'NoiseSchedule',
    'Prediction', 'make_betas', 'space_timesteps'
]
