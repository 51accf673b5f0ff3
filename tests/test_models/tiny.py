"""An RCG of toy size: 8x8 images, 4 tokens, everything untrained."""
from rcg.models import RCG

ENCODER = dict(type='ConvEncoder', widths=(8, 8), strides=(2, 2),
               projector_hidden_dim=8, projector_dim=6)
TOKENIZER = dict(type='VQGAN', dim=32, dim_mult=(1, 1, 1), num_res_blocks=0,
                 z_dim=4, num_codes=8)
DENOISER = dict(type='DenoisingMLP', rep_dim=6, width=16, num_blocks=1)
DIFFUSION = dict(type='GaussianDiffusion', parameterization='x0')
SAMPLER = dict(type='DDIMSampler', num_steps=5)
RDM = dict(type='RDM', denoiser=DENOISER, diffusion=DIFFUSION,
           sampler=SAMPLER)
PREPROCESSOR = dict(type='ImagePreprocessor')
CONDITIONS = {
    'representation': dict(type='RepresentationCondition', rep_dim=6),
    'label': dict(type='LabelCondition', num_classes=3),
    'none': None
}


def generator(condition=CONDITIONS['representation']):
    half = dict(dim=16, depth=1, num_heads=2)
    return dict(
        type='MAGE', num_steps=3,
        network=dict(type='MAGEViT', num_codes=8, num_tokens=4, encoder=half,
                     decoder=half, condition=condition, class_tokens=(1, 0),
                     drop=0., embedding=dict(std=1., tied_head=False)))


def diffusion(condition=CONDITIONS['representation']):
    return dict(
        type='DiffusionGenerator',
        network=dict(type='DiT', input_size=4, patch_size=2, in_channels=2,
                     dim=16, depth=2, num_heads=2, condition=condition),
        diffusion=dict(type='GaussianDiffusion', parameterization='eps',
                       learn_variance=True),
        sampler=dict(type='DDPMSampler', num_steps=4))


def flow(condition=CONDITIONS['representation']):
    cfg = diffusion(condition)
    return dict(
        cfg, network=dict(cfg['network'], learn_variance=False),
        diffusion=dict(type='FlowMatching'),
        sampler=dict(type='EulerSampler', num_steps=4))


def rcg(condition='representation', **changes):
    parts = dict(encoder=ENCODER, rdm=RDM)
    if condition != 'representation':
        parts = dict(encoder=None, rdm=None)
    return RCG(**{
        **dict(generator=generator(CONDITIONS[condition]),
               tokenizer=TOKENIZER, data_preprocessor=PREPROCESSOR),
        **parts, **changes})
