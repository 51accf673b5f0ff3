"""Cases ``mage_*``: the pixel generator, its tokenizer and encoder."""
import re

import torch
from torch import Tensor
from torch.nn.functional import pad

from rcg.models.generators import MAGE
from rcg.models.generators.masking import random_masks
from rcg.registry import PIXEL_GENERATORS
from rcg.verification.parity import encoders, generation, tokenizers
from rcg.verification.parity.case import Case, here
from rcg.verification.parity.replay import ReplayRng
from rcg.verification.parity.weights import (
    Weights,
    compare_decay,
    compare_gradients,
)


def config_of(case: Case) -> dict:
    """The config of the case's generator."""
    c = case.config['config']
    condition = None
    if c['use_rep']:
        condition = dict(type='RepresentationCondition', rep_dim=c['rep_dim'])
    elif c['use_class_label']:
        rows = len(case.weights['class_emb.weight'])
        condition = dict(type='LabelCondition', num_classes=rows)

    def half(prefix: str = '') -> dict:
        return dict(dim=c[prefix + 'embed_dim'], depth=c[prefix + 'depth'],
                    num_heads=c[prefix + 'heads'], mlp_ratio=c['mlp_ratio'])

    low, high, mean, std = c['mask_ratio']
    places = case.weights['decoder_pos_embed_learned'].shape[1]
    return dict(
        type='MAGE',
        network=dict(
            type='MAGEViT', num_codes=c['codebook_size'],
            num_tokens=places - 1, encoder=half(), decoder=half('decoder_'),
            condition=condition,
            class_tokens=(c['mask_token'] - c['codebook_size'],
                          c['fake_class_token'] - c['codebook_size'])),
        mask_ratio=dict(mean=mean, std=std, low=low, high=high, per='batch'),
        num_steps=c['iters'], temperature=c['temperature'])


def build(case: Case, weights: Weights) -> MAGE:
    generator = here(PIXEL_GENERATORS.build(config_of(case)))
    generator.network.load_state_dict(weights['mage'])
    return generator.eval()


def pixels_of(case: Case) -> Tensor:
    """The images of the case, or of the case that config.json names."""
    if 'image_u8' in case:
        return case['image_u8']
    other = re.search(r'case (\w+)', case.config['image_u8'])[1]
    return Case(case.folder.parent / other).data['image_u8']


def verify(case: Case) -> None:
    c, weights = case.config['config'], Weights(case)
    generator, tokenizer = build(case, weights), None
    if 'rep' in case:  # a reduced copy may lack the frozen parts
        images = encoders.images_of(pixels_of(case))
        tokenizer = tokenizers.vqgan(weights['vqgan'], c['vqgan_ddconfig'],
                                     c['codebook_size'])
        cfg = encoders.embedded(case, weights['mocov3'], images,
                                c['encoder'].get('heads'))
        with torch.no_grad():
            case.compare('rep', encoders.build(cfg, weights['mocov3'])(
                images))
            case.compare('token_indices', tokenizer.encode(images))
    case.inputs.add('class_label')  # stored for all, used by one case
    compare_decay(case, generator.network, weights.names)
    compare_masks(case, generator)
    for found in case.find(r'loss\.(\w+)\.loss'):
        compare_loss(case, generator, found[1], weights.names)
    for found in case.find(r'gen\.([\w.]+)\.final_ids'):
        generation.compare(case, generator, tokenizer, found[1])


def condition_of(case: Case, generator: MAGE, rep: str,
                 label: str) -> Tensor | None:
    name = dict(representation=rep, label=label).get(generator.condition_kind)
    return None if name is None else case[name]


def masks_of(case: Case, generator: MAGE, noise: str
             ) -> tuple[Tensor, Tensor]:
    """``masked`` (N, L) and ``kept`` (N, V) at the case's fixed ratio."""
    uniform = case[noise]
    rates = torch.full((len(uniform), ), case.config['forced_mask_rate'])
    num_dropped = generator.mask_ratio.num_dropped(uniform.shape[1])
    return random_masks(uniform, rates, num_dropped)


def compare_masks(case: Case, generator: MAGE) -> None:
    for found in case.find(r'loss\.((\w+)\.)?all_mask'):
        stem = f'loss.{found[1] or ""}'
        masked, kept = masks_of(case, generator, stem + 'mask_noise')
        dropped = torch.ones_like(masked).scatter(1, kept, False)
        # Published masks have a place for token 0, which is never hidden.
        case.compare(found[0], pad(masked.float(), (1, 0)))
        case.compare_if_stored(stem + 'drop_mask',
                               pad(dropped.float(), (1, 0)))


def compare_loss(case: Case, generator: MAGE, run: str,
                 names: dict[str, str]) -> None:
    stem, net = f'loss.{run}.', generator.network
    noise = stem + 'mask_noise'
    noise = noise if noise in case else 'loss.mask_noise'
    ids = case['token_indices']
    condition = condition_of(case, generator, 'rep', 'class_label')
    dropped = []
    if generator.condition_kind == 'representation':
        net.condition_embed.drop_prob = (
            case.config['rep_drop_prob_of_runs'][run])
        dropped = [case[stem + 'rep_rand'][:, None]]
    rate = case.config['forced_mask_rate']
    generator.mask_ratio.sample = lambda rng: torch.full((len(rng), ), rate)
    losses = generator.loss(ids, condition, ReplayRng(
        len(ids), uniform=[*dropped, case[noise]]))
    case.compare(stem + 'loss', losses['loss_tokens'])
    generator.zero_grad()
    losses['loss_tokens'].backward()
    compare_gradients(case, f'loss.{run}', net, names)
    with torch.no_grad():
        embedding = generator.embed(
            condition, ReplayRng(len(ids), uniform=dropped))
        if dropped:
            null = net.condition_embed.null(len(ids))
            case.compare(stem + 'rep_dropped', torch.isclose(
                embedding, null, atol=1e-5).all(1).byte())
        compare_logits(case, generator, stem, embedding, noise)


def compare_logits(case: Case, generator: MAGE, stem: str,
                   embedding: Tensor | None, noise: str) -> None:
    net = generator.network
    masked, kept = masks_of(case, generator, noise)
    ids = case['token_indices'].masked_fill(masked, net.mask_token)
    encoded = net.encode(ids, embedding, kept)
    decoded = net.decode(encoded, masked, kept)
    case.compare_if_stored(stem + 'encoder_out', encoded)
    case.compare_if_stored(stem + 'logits', net.logits(decoded))
    # Stored of every 32nd token, and of every 100th column after the codes.
    whole = net.logits(decoded, net.mask_token + 1)
    case.compare_if_stored(stem + 'logits_tail',
                           whole[:, ::32, net.num_codes::100])
