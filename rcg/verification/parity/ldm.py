"""Cases ``ldm_*``: latent diffusion's U-Net, its tokenizer and encoder."""
import re

import torch
from torch import Tensor, nn

from rcg.models.generators import DiffusionGenerator
from rcg.registry import TASK_UTILS
from rcg.verification.parity import encoders
from rcg.verification.parity.case import Case
from rcg.verification.parity.diffusion import build, trace
from rcg.verification.parity.generation import drawn_representation
from rcg.verification.parity.rdm_model import sampler_config
from rcg.verification.parity.replay import ReplayRng
from rcg.verification.parity.schedules import compare_tables
from rcg.verification.parity.tokenizers import vq_f8
from rcg.verification.parity.weights import Weights, compare_gradients


def network_of(config: dict, rep_dim: int | None) -> dict:
    """The config of the network with these published parameters."""
    c = config['unet_config']['params']
    label = config['cond_stage_config']['params']
    condition = dict(type='LabelCondition', num_classes=label['n_classes'])
    if rep_dim is not None:
        condition = dict(type='RepresentationCondition', rep_dim=rep_dim,
                         drop_prob=0., project=False)
    elif not config['class_cond']:
        condition = None
    # Published as factors by which the map is smaller there.
    levels = tuple(level for level in range(len(c['channel_mult']))
                   if 2**level in c['attention_resolutions'])
    return dict(
        type='UNet', input_size=c['image_size'], in_channels=c['in_channels'],
        dim=c['model_channels'], dim_mult=c['channel_mult'],
        num_res_blocks=c['num_res_blocks'], attention_levels=levels,
        condition=condition, form=dict(
            context_dim=c['context_dim'], head_dim=c['num_head_channels'],
            scale_shift=False, residual_resampling=False,
            learn_variance=False))


def generator_of(case: Case, weights: Weights) -> DiffusionGenerator:
    c = case.config['config']
    rep_dim = None
    if c.get('pretrained_enc_config') is not None:
        rep_dim = c['unet_config']['params']['context_dim']
    return build(
        network_of(c, rep_dim),
        dict(parameterization='eps', schedule='scaled_linear',
             num_timesteps=c['timesteps'], beta_start=c['linear_start'],
             beta_end=c['linear_end']),
        sampler_config(1, 1.), weights['ldm'])


@torch.no_grad()
def condition_of(case: Case, generator: DiffusionGenerator, weights: Weights,
                 images: Tensor) -> Tensor | None:
    """Representations of the images, or their labels, or None."""
    labels = case['class_label']  # every case stores them, one uses them
    if generator.condition_kind == 'label':
        return labels
    if generator.condition_kind is None:
        return None
    part = case.config['config']['pretrained_enc_config']['params']
    cfg = encoders.embedded(case, weights['mocov3'], images,
                            part.get('num_heads'),
                            part['pretrained_enc_withproj'],
                            case.data['context'])
    return encoders.build(cfg, weights['mocov3'])(images)


@torch.no_grad()
def verify(case: Case) -> None:
    c, live = case.config['config'], Weights(case, averaged=False)
    generator = generator_of(case, live)
    first = c['first_stage_config']['params']
    tokenizer = vq_f8(live['vq_f8'], first['ddconfig'], first['embed_dim'],
                      first['n_embed'])
    images = encoders.images_of(case['image_u8'])
    condition = condition_of(case, generator, live, images)
    case.compare('latent', tokenizer.encode(images))
    compare_network(case, generator, condition, len(images))
    compare_tables(case, generator.diffusion.schedule, 'eps')
    compare_losses(case, generator, tokenizer.encode(images), condition,
                   live.names)
    for found in case.find(r'(sample\.S(\d+)\.eta([\d.]+?))\.out'):
        compare_samples(case, generator, tokenizer, found, condition)
    averaged = any(name.startswith('model_ema.diffusion')
                   for name in case.weights)
    compare_whole(case, generator_of(case, Weights(case, averaged)),
                  tokenizer)


@torch.no_grad()
def compare_network(case: Case, generator: DiffusionGenerator,
                    condition: Tensor | None, batch_size: int) -> None:
    net, context = generator.network, generator.embed(condition)
    if context is None:  # one learned vector for all images
        context = net.context.expand(batch_size, -1)
    case.compare('context', context[:, None])
    inputs = case['net.x'], case['net.t']
    case.compare('net.out', net(*inputs, context))
    # Attention weights matter only if there are several context tokens.
    case.compare('net.out_context3', net(*inputs, case['net.context3']))


@torch.enable_grad()
def compare_losses(case: Case, generator: DiffusionGenerator, latents: Tensor,
                   condition: Tensor | None,
                   names: dict[str, str]) -> None:
    def losses(run: str) -> dict[str, Tensor]:
        return generator.loss(latents, condition, ReplayRng(
            len(latents), randint=[case[f'{run}.t']],
            normal=[case[f'{run}.noise']]))

    first = losses('loss')
    error = first['loss_diffusion']
    for name, ours in dict(total=error, simple=error,
                           vlb=first['vlb']).items():
        case.compare(f'loss.{name}', ours)
    error.backward()
    compare_gradients(case, 'loss', generator.network, names)
    case.compare('step.loss', losses('step')['loss_diffusion'])


def compare_samples(case: Case, generator: DiffusionGenerator,
                    tokenizer: nn.Module, found: re.Match,
                    condition: Tensor | None) -> None:
    stem, count, eta = found.groups()
    steps = list(trace(case, generator,
                       sampler_config(int(count), float(eta)), condition,
                       case[f'{stem}.noise']))
    case.compare(found[0], steps[-1][0])
    case.compare_if_stored(f'{stem}.pred_x0', torch.stack(
        [case['sample.x_T'], *(x0 for _, x0 in steps)]))
    case.compare_if_stored(f'{stem}.decoded', tokenizer.decode(steps[-1][0]))


def compare_whole(case: Case, generator: DiffusionGenerator,
                  tokenizer: nn.Module) -> None:
    """From noise to an image in [0, 1], with the settings of config.json."""
    count, eta = re.search(r'(\d+) DDIM steps eta (\d+)',
                           case.config['e2e']).groups()
    generator.sampler = TASK_UTILS.build(
        sampler_config(int(count), float(eta)))
    condition = None
    # Some cases store labels that their network does not use.
    case.inputs |= {'e2e.class_label'} & case.data.keys()
    if generator.condition_kind == 'representation':
        condition = drawn_representation(case, 'e2e', None)
    elif generator.condition_kind == 'label':
        condition = case['e2e.class_label']
    start = case['e2e.x_T']
    latents = generator.sample(condition, ReplayRng(
        len(start), normal=[start, *case['e2e.noise']]))
    images = tokenizer.decode(latents).clamp(-1, 1)
    case.compare('e2e.image', (images + 1) / 2)
