"""Cases ``vqgan_maskgit`` and ``vq_f8``, and the tokenizer in MAGE's file."""
import torch
from torch import Tensor, nn

from rcg.registry import TOKENIZERS
from rcg.verification.parity.case import Case, here
from rcg.verification.parity.encoders import images_of
from rcg.verification.parity.weights import Weights


def vqgan(state: dict[str, Tensor], sizes: dict,
          num_codes: int) -> nn.Module:
    """Build MAGE's tokenizer; ``sizes`` is the published ``ddconfig``."""
    tokenizer = TOKENIZERS.build(dict(
        type='VQGAN', dim=sizes['ch'], dim_mult=sizes['ch_mult'],
        num_res_blocks=sizes['num_res_blocks'], z_dim=sizes['z_channels'],
        num_codes=num_codes))
    tokenizer.load_state_dict(state)
    return here(tokenizer.eval())


@torch.no_grad()
def verify_vqgan(case: Case) -> None:
    tokenizer = vqgan(Weights(case)['vqgan'], case.config['ddconfig'],
                      case.config['n_embed'])
    images = images_of(case['image_u8'])
    latents = tokenizer.latents(images)
    z_q, ids, loss = tokenizer.quantizer(latents)
    case.compare('latent', latents)
    case.compare('indices', ids)
    case.compare('z_q', z_q)
    case.compare('codebook_loss', loss)
    case.compare('z_q_from_indices', tokenizer.quantizer.look_up(ids))
    # The published network returns images in [0, 1].
    decoded = tokenizer.decode(tokenizer.encode(images))
    case.compare('decoded_from_indices', (decoded + 1) / 2)
    case.compare('reconstruction', (tokenizer(images)[0] + 1) / 2)


def attention_levels(sizes: dict) -> tuple[int, ...]:
    """Levels with attention; the published config lists resolutions."""
    return tuple(level for level in range(len(sizes['ch_mult']))
                 if sizes['resolution'] // 2**level
                 in sizes['attn_resolutions'])


def vq_f8(state: dict[str, Tensor], sizes: dict, code_dim: int,
          num_codes: int) -> nn.Module:
    """Build VQ-f8; ``sizes`` is the published ``ddconfig``."""
    tokenizer = TOKENIZERS.build(dict(
        type='LatentVQGAN', dim=sizes['ch'], dim_mult=sizes['ch_mult'],
        num_res_blocks=sizes['num_res_blocks'], z_dim=sizes['z_channels'],
        code_dim=code_dim, num_codes=num_codes,
        attention_levels=attention_levels(sizes)))
    tokenizer.load_state_dict(state)
    return here(tokenizer.eval())


@torch.no_grad()
def verify_vq_f8(case: Case) -> None:
    tokenizer = vq_f8(Weights(case)['vq_f8'], case.config['ddconfig'],
                      case.config['embed_dim'], case.config['n_embed'])
    images = images_of(case['image_u8'])
    latents = tokenizer.encode(images)
    z_q, ids, loss = tokenizer.quantizer(latents)
    case.compare('encoded', latents)
    case.compare('indices', ids)
    case.compare('z_q', z_q)
    case.compare('quantise_loss', loss)
    case.compare('decoded', tokenizer.decode(latents))
    plain = tokenizer.decode_latents(latents)
    for found in case.find(r'decoded_without_quantising(_stride(\d+))?'):
        every = int(found[2] or 1)
        case.compare(found[0], plain[..., ::every, ::every])
