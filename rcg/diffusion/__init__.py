"""The diffusion core: tensors in, tensors out."""
from .gaussian import GaussianDiffusion
from .samplers import DDIMSampler, DDPMSampler
from .schedules import NoiseSchedule, make_betas, space_timesteps

__all__ = [
    'DDIMSampler', 'DDPMSampler', 'GaussianDiffusion', 'NoiseSchedule',
    'make_betas', 'space_timesteps'
]
