"""The RDM that a case's config.json describes."""
from torch import Tensor

from rcg.models.diffusers import RDM
from rcg.registry import MODELS
from rcg.verification.parity.case import Case, here
from rcg.verification.parity.weights import Weights


def vectors(tensor: Tensor) -> Tensor:
    """(..., D, 1, 1) -> (..., D): published representations are pixels."""
    return tensor.flatten(-3)


def pixels(tensor: Tensor) -> Tensor:
    """(..., D) -> (..., D, 1, 1): the way back of :func:`vectors`."""
    return tensor[..., None, None]


def config_of(case: Case) -> dict:
    """The config of the case's RDM, without encoder."""
    params = case.config['config']['model']['params']
    net = params['unet_config']['params']
    label = params['cond_stage_config']['params']
    conditional = params.get('class_cond', False)
    return dict(
        type='RDM',
        denoiser=dict(
            type='DenoisingMLP', rep_dim=net['in_channels'],
            width=net['model_channels'], num_blocks=net['num_res_blocks'],
            time_dim=net['time_embed_dim'],
            hidden_dim=net.get('bottleneck_channels'),
            context_dim=label['embed_dim'] if conditional else None),
        diffusion=dict(
            type='GaussianDiffusion', schedule='scaled_linear',
            parameterization=params['parameterization'],
            num_timesteps=params['timesteps'],
            beta_start=params['linear_start'],
            beta_end=params['linear_end']),
        sampler=sampler_config(1, 1.),  # each comparison brings its own
        num_classes=label['n_classes'] if conditional else None)


def sampler_config(num_steps: int, eta: float) -> dict:
    """DDIM with published timesteps, which any number of steps has."""
    return dict(type='DDIMSampler', num_steps=num_steps, eta=eta,
                spacing='strided')


def build(case: Case, averaged: bool, **changes) -> RDM:
    """The case's RDM with its live or its averaged weights."""
    model = here(MODELS.build({**config_of(case), **changes}))
    model.load_state_dict(Weights(case, averaged)['rdm'])
    return model.eval()


def denoiser_of(model: RDM, labels: Tensor | None):
    """A function (x_t, t) -> prediction that knows the labels."""
    if labels is None:
        return model.denoiser
    context = model.label_embed(labels)
    return lambda x_t, t: model.denoiser(x_t, t, context)
