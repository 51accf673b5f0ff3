"""The diffusion core: processes, losses and samplers on plain tensors."""
from .flow import FlowMatching, LinearPath
from .gaussian import GaussianDiffusion
from .process import DiffusionProcess, check_source
from .samplers import DDIMSampler, DDPMSampler, Prediction, Sampler
from .schedule_samplers import LossSecondMomentResampler
from .schedules import NoiseSchedule, make_betas, space_timesteps
from .solvers import (
    DPMSolverSampler,
    EulerMaruyamaSampler,
    EulerSampler,
    HeunFlowSampler,
    HeunSampler,
)
from .times import LogitNormalTimes, LossAwareTimes, UniformTimes

__all__ = [
    'DDIMSampler', 'DDPMSampler', 'DPMSolverSampler', 'DiffusionProcess',
    'EulerMaruyamaSampler', 'EulerSampler', 'FlowMatching',
    'GaussianDiffusion', 'HeunFlowSampler', 'HeunSampler', 'LinearPath',
    'LogitNormalTimes', 'LossAwareTimes', 'LossSecondMomentResampler',
    'NoiseSchedule', 'Prediction', 'Sampler', 'UniformTimes', 'check_source',
    'make_betas', 'space_timesteps'
]
