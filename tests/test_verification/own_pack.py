"""Cases of our own making: sizes and flags that no stored case has.

The results in them are ours, so they say nothing about parity; they show
that the check takes its numbers from a case and not from the stored pack.
"""
import copy
import json

import torch
from safetensors.torch import save_file

from rcg.converters.mage import mage_to_published
from rcg.converters.mocov3 import mocov3_to_published
from rcg.converters.rdm import rdm_to_published
from rcg.converters.vqgan import vqgan_to_published
from rcg.registry import ENCODERS, MODELS, PIXEL_GENERATORS, TOKENIZERS
from rcg.verification.parity import mage, rdm, rdm_model
from rcg.verification.parity.case import Case
from rcg.verification.parity.encoders import verify as verify_encoder


class Recorder(Case):
    """Stores every result instead of judging it."""

    def compare(self, name, ours, floor=0.):
        like = self.data.get(name)
        self.data[name] = ours.detach().clone().contiguous().to(
            ours.dtype if like is None else like.dtype)
        return super().compare(name, self.data[name])

    compare_if_stored = compare


class Facts:
    """As much of a case as the functions that build a config look at."""

    def __init__(self, config, weights=None):
        self.config, self.weights = config, weights


def record(folder, config, weights, data, verify):
    """Write a case; ``data`` has the inputs, and results by name alone."""
    folder.mkdir(parents=True)
    files = [folder / f'{name}.safetensors' for name in ('data', 'weights')]
    for file, tensors in zip(files, (data, weights), strict=True):
        save_file({name: tensor.contiguous().clone()
                   for name, tensor in tensors.items()}, file)
    path = folder / 'config.json'
    path.write_text(json.dumps(config))
    case = Recorder(folder)
    verify(case)
    save_file(case.data, files[0])
    path.write_text(json.dumps(dict(
        config, weights=len(weights),
        tensors={name: [list(t.shape), str(t.dtype).removeprefix('torch.')]
                 for name, t in case.data.items()})))
    return folder


def redraw(module):
    """No weight constant, every matrix exact in float16."""
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if not tensor.is_floating_point() or 'pos_embed' in name:
                continue
            fan_in = tensor[0].numel() if tensor.ndim > 1 else 100
            drawn = torch.randn_like(tensor) / fan_in**.5
            if 'running_var' in name or (
                    tensor.ndim == 1 and name.endswith('weight')):
                drawn = 1 + drawn.abs()
            tensor.copy_(drawn.half())
    return module.eval()


def images(*shape):
    return torch.randint(256, shape, dtype=torch.uint8)


def encoder_weights(img_size, patch, dim, depth, heads, proj):
    encoder = ENCODERS.build(dict(
        type='MoCoV3ViT', img_size=img_size, projector_hidden_dim=20,
        projector_dim=proj, vit=dict(
            patch_size=patch, embed_dim=dim, depth=depth, num_heads=heads,
            mlp_ratio=3.)))
    return mocov3_to_published(redraw(encoder).state_dict())


def embedded(**sizes):
    return {name.replace('module.base_encoder.', 'pretrained_encoder.'): w
            for name, w in encoder_weights(**sizes).items()}


def write_encoder(root):
    """Patches of 14 pixels, images that are not square."""
    torch.manual_seed(0)
    weights = encoder_weights(56, 14, 24, 3, 6, 10)
    weights['module.momentum_encoder.cls_token'] = torch.randn(1, 1, 24)
    data = dict(image_u8=images(3, 3, 40, 50), resized_stride5=torch.ones(1),
                resized_first_top=torch.ones(1, 3, 30, 1),
                resized_first_bottom=torch.ones(1, 3, 9, 1))
    return record(root / 'enc_mocov3', dict(heads=6), weights, data,
                  verify_encoder)


def write_rdm(root, conditional=True, hidden=None, parameterization='eps'):
    """Odd widths, other noise, features without projector."""
    torch.manual_seed(1)
    batch, dim, steps = 5, 16, 120
    params = dict(
        linear_start=.001, linear_end=.02, timesteps=steps,
        class_cond=conditional, parameterization=parameterization,
        unet_config=dict(params=dict(
            in_channels=dim, time_embed_dim=20, model_channels=33,
            num_res_blocks=2)),
        pretrained_enc_config=dict(params=dict(
            pretrained_enc_withproj=False)),
        cond_stage_config=dict(params=dict(
            embed_dim=10, n_classes=9 if conditional else 1)))
    if hidden is not None:
        params['unet_config']['params']['bottleneck_channels'] = hidden
    config = {'config': dict(model=dict(params=params)),
              'net.out_batch1': 'row 1 alone', 'ema_test': 'saved*(1+0.2k)'}
    model = redraw(MODELS.build(rdm_model.config_of(Facts(config))))
    averages = rdm_to_published(redraw(copy.deepcopy(model)).state_dict())
    live = rdm_to_published(model.state_dict(), averaged=False)
    names = dict(zip(model.state_dict(), live, strict=True))
    config['loss.grad_norm_names'] = [
        names[name] for name, _ in model.named_parameters()]
    weights = averages | live | embedded(
        img_size=32, patch=16, dim=dim, depth=2, heads=4, proj=12) | {
            'model_ema.decay': torch.tensor(.99),
            'model_ema.num_updates': torch.tensor(0, dtype=torch.int32)}
    # An unconditional file holds one row that its network does not look at.
    weights.setdefault('cond_stage_model.embedding.weight',
                       torch.randn(1, 10))

    def pixels(*shape):
        return torch.randn(*shape, dim, 1, 1)

    data = dict(image_u8=images(batch, 3, 40, 40), rep=pixels(batch),
                class_label=torch.arange(batch))
    for run in ('net', 'loss', 'step'):
        noise = 'x' if run == 'net' else 'noise'
        data |= {f'{run}.t': torch.arange(batch) * 20,
                 f'{run}.{noise}': pixels(batch)}
    data |= {'loss.grad_norm': torch.zeros(len(live)).double(),
             'ema_after2.num_updates': torch.tensor(0, dtype=torch.int32),
             'sample.x_T': pixels(batch)}
    for run, count in (('S9.eta0', 10), ('S20.eta0.5', 20),
                       ('S10.eta1.ema', 10)):
        data[f'ddim.{run.removesuffix(".ema")}.timesteps'] = torch.arange(3)
        data[f'sample.{run}.out'] = torch.ones(1)
        if 'eta0.5' in run or 'eta1' in run:
            data[f'sample.{run}.noise'] = pixels(count, batch)
    # Which number of heads fits is told by `rep`: ours must be there first.
    name = 'rdm_classcond' if conditional else 'rdm_uncond'
    return record(root / name, config, weights,
                  dict(data, rep=_features(weights, data['image_u8'])),
                  rdm.verify)


def _features(weights, pixels):
    """Representations (N, D, 1, 1) of the embedded encoder, four heads."""
    from rcg.converters.parts import split
    from rcg.verification.parity.encoders import build, config_of, images_of
    state = split('rdm', weights)[1].weights
    encoder = build(dict(config_of('mocov3', state, 4),
                         with_projector=False), state)
    with torch.no_grad():
        return encoder(images_of(pixels))[..., None, None]


def write_mage(root):
    """64 tokens, halves of unlike width, guidance 2.5, other mask law."""
    torch.manual_seed(2)
    batch, dim, codes, steps, tokens = 3, 12, 40, 5, 64
    sizes = dict(ch=32, ch_mult=[1, 1], num_res_blocks=1, z_channels=8)
    config = dict(
        config=dict(
            embed_dim=20, depth=1, heads=5, decoder_embed_dim=12,
            decoder_depth=2, decoder_heads=3, mlp_ratio=2, rep_dim=dim,
            use_rep=True, use_class_label=False, cfg=2.5, iters=steps,
            mask_ratio=[.4, .95, .6, .2], codebook_size=codes,
            fake_class_token=codes + 76, mask_token=codes + 1000,
            vqgan_ddconfig=sizes, encoder=dict(heads=3), temperature=4.5),
        forced_mask_rate=.55, rep_drop_prob_of_runs=dict(mixed=.3))
    facts = Facts(config, dict(
        decoder_pos_embed_learned=torch.ones(1, 1 + tokens, 1)))
    net = redraw(PIXEL_GENERATORS.build(mage.config_of(facts)).network)
    own = mage_to_published(net.state_dict())
    names = dict(zip(net.state_dict(), own, strict=True))
    parameters = [names[name] for name, _ in net.named_parameters()]
    config |= {'loss.mixed.grad_norm_names': parameters,
               'loss.mixed.grad_none_names': ['cls_token'],
               'gen.cfg2.5.first_token': [codes + 76]}
    tokenizer = redraw(TOKENIZERS.build(dict(
        type='VQGAN', dim=32, dim_mult=[1, 1], num_res_blocks=1, z_dim=8,
        num_codes=codes)))
    weights = own | {'cls_token': torch.randn(1, 1, 20)} | {
        'vqgan.' + name: w for name, w in vqgan_to_published(
            tokenizer.state_dict()).items()} | embedded(
                img_size=32, patch=16, dim=12, depth=1, heads=3, proj=dim)
    data = dict(
        image_u8=images(batch, 3, 16, 16), rep=torch.randn(batch, dim),
        token_indices=torch.zeros(batch, tokens, dtype=torch.int64))
    mixed = dict(mask_noise=torch.rand(batch, tokens),
                 rep_rand=torch.rand(batch), all_mask=torch.ones(1),
                 loss=torch.tensor(0.),
                 grad_norm=torch.zeros(len(parameters)).double())
    shape = steps, batch, tokens
    ids = torch.zeros(shape, dtype=torch.int32)
    gen = dict(sampled_raw=torch.randint_like(ids, codes), input_ids=ids,
               gumbel=-(-torch.rand(shape).double().log()).log(),
               confidence=torch.ones(1), mask_len=torch.ones(1),
               next_ids=ids[0], final_ids=ids[0], image_stride2=ids[0] / 1,
               logits_stride3=torch.ones(1))
    data |= {'gen.rep': torch.randn(batch, dim)}
    data |= {f'loss.mixed.{name}': t for name, t in mixed.items()}
    data |= {f'gen.cfg2.5.{name}': t for name, t in gen.items()}
    return record(root / 'mage_rep', config, weights, data, mage.verify)
