"""The full-size configs of MAGE and its RDMs, on "meta"."""
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope
from PIL import Image

from rcg.engine import PlainCheckpointHook, RcgRunner, load_config
from rcg.engine.schedule import in_iterations, resolve_lr
from rcg.registry import (
    METRICS,
    MODELS,
    OPTIM_WRAPPER_CONSTRUCTORS,
    TRANSFORMS,
)
from tests.test_configs import LEAVES, ROOT, build, count
from tests.test_engine.running import run_tool
from tests.test_evaluation import toy  # noqa: F401


def load(name, **options):
    return load_config(str(ROOT / f'{name}.py'), options)


@pytest.mark.parametrize('name', ['rcg/mage_b', 'inat21/mage_b'])
def test_mage_draws_as_many_tokens_as_an_image_has(name):
    model = build(load(name))
    assert (model.tokenizer.grid_size(256)**2
            == model.generator.network.num_tokens)


def test_published_numbers_of_parameters():
    for name, published in (('mage_b', 176), ('mage_l', 439)):
        model = build(load(f'rcg/{name}'))
        # The paper counts what draws pixels: generator and upsampler.
        upsampler = count(model.tokenizer.up)
        assert round((count(model) + upsampler) / 1e6) == published
        assert round(count(model.rdm.on(torch.device('meta'))) / 1e6) == 63
    for name in ('mocov3_vit_b', 'mocov3_vit_l'):
        assert count(build(load(f'rdm/{name}'))) == 62721280
    assert count(build(load('rdm/mocov3_vit_l_class_cond'))) == (
        72176896 + 512000)


def test_sampling_defaults_are_the_published_ones():
    for name, temperature, cfg in (('mage_b', 6., 1.), ('mage_l', 11., 6.),
                                   ('mage_b_class_cond', 6., 1.),
                                   ('mage_l_class_cond', 11., 6.),
                                   ('mage_b_200ep', 6., 0.),
                                   ('mage_l_200ep', 11., 0.)):
        generator = load(f'rcg/{name}').model.generator
        assert generator.temperature == temperature, name
        assert generator.guidance_scale == cfg + 1, name
        assert generator.num_steps == 20, name
        sampler = load(f'rcg/{name}').model.rdm.sampler
        assert (sampler.num_steps, sampler.eta) == (250, 1.), name


def test_scores_and_archives_of_any_training(tmp_path):
    """Two lines over a config; its own test stays as it is."""
    leaf = tmp_path / 'watched.py'
    leaf.write_text(
        f"_base_ = ['{ROOT}/rcg/adm.py',\n"
        f"          '{ROOT}/_base_/evaluation/imagenet_watch.py']\n"
        'train_cfg = dict(val_interval=8 * _base_._epoch_of_256)\n')
    cfg, plain = load_config(str(leaf)), load('rcg/adm')
    assert cfg.train_cfg.val_interval == 8 * 5004
    assert cfg.val_dataloader.dataset.num_images == 10000
    assert cfg.test_evaluator == plain.test_evaluator
    assert plain.get('val_evaluator') is None  # off by default
    seeds = [loader.dataset.seed for loader in (
        cfg.val_dataloader, cfg.test_dataloader)]
    assert seeds == [1, 0]
    names = {name for metric in cfg.val_evaluator
             for name in (metric.get('name', 'is'), metric.prefix)}
    assert names == {'is', 'fid', 'watch'}
    cfg = load('rcg/mage_l_watched')
    PlainCheckpointHook(**{key: value for key, value in
                           cfg.default_hooks.checkpoint.items()
                           if key != 'type'})
    assert (cfg.default_hooks.checkpoint.archive_interval
            == cfg.train_cfg.val_interval == 40 * 312)


def test_torch_resizes_on_request():
    first = 'train_dataloader.dataset.pipeline.0'
    plain = load('rcg/mage_l').train_dataloader.dataset.pipeline[0]
    quick = load('rcg/mage_l', **{f'{first}.backend': 'torch'}) \
        .train_dataloader.dataset.pipeline[0]
    assert [TRANSFORMS.build(cfg).backend for cfg in (plain, quick)] == [
        'pillow', 'torch']


def test_learning_rates_are_the_published_ones():
    rdm = load('rdm/mocov3_vit_b')
    mage = load('rcg/mage_b')
    for cfg, processes, rate in ((rdm, 4, 5.12e-4), (mage, 64, 2.4e-3)):
        options = cfg.optim_wrapper.to_dict()
        resolve_lr(options, cfg.train_dataloader.batch_size, processes)
        assert options['optimizer']['lr'] == pytest.approx(rate)
    assert rdm.get('param_scheduler') is None  # constant


@pytest.mark.parametrize(('name', 'epochs'), [
    ('mage_b', 800), ('mage_l', 800), ('mage_b_200ep', 200),
    ('mage_l_200ep', 200), ('mage_b_200ep_label', 200),
    ('mage_b_200ep_dino_vit_b', 200), ('mage_b_100ep', 100),
    ('mage_b_400ep', 400), ('mage_l_uncond', 1600)])
def test_warm_up_is_ten_epochs_of_the_published_length(name, epochs):
    cfg = load(f'rcg/{name}')
    length = cfg.train_cfg.max_samples // 4096
    assert length == epochs * (1281167 // 64 // 64)
    warm_up, cosine = in_iterations(cfg.param_scheduler, length)
    assert warm_up['end'] == cosine['begin'] == 10 * 312
    assert cosine['end'] == length and cosine['T_max'] == length - 3120


def test_the_readme_command_differs_from_the_paper_in_images_and_length():
    paper, readme = load('rcg/mage_l'), load('rcg/mage_l_200ep')
    types = [[step.type for step in cfg.train_dataloader.dataset.pipeline]
             for cfg in (paper, readme)]
    assert types == [['Resize', 'RandomCrop', 'RandomFlip'],
                     ['Resize', 'CenterCrop']]
    assert readme.train_dataloader.dataset.pipeline[0].size == 292
    readme.model.generator.guidance_scale = paper.model.generator \
        .guidance_scale
    assert readme.model == paper.model
    assert readme.optim_wrapper == paper.optim_wrapper


def test_class_conditional_rcg_has_the_generator_of_rcg():
    for size in 'bl':
        ours = load(f'rcg/mage_{size}_class_cond').model
        plain = load(f'rcg/mage_{size}').model
        assert ours.generator == plain.generator
        assert ours.rdm.denoiser.context_dim == 512
        assert ours.rdm.num_classes == 1000


def test_condition_sources_change_nothing_else():
    """Oracle: the model of the RDM. Clusters: drawn as they are learned."""
    plain = load('rcg/mage_b_200ep').model
    oracle = load('rcg/mage_b_200ep_oracle').model
    assert oracle.generator == plain.generator
    cluster = load('rcg/mage_b_200ep_cluster').model
    condition = cluster.generator.network.pop('condition')
    assert condition.clusters == cluster.rdm
    plain.generator.network.pop('condition')
    assert cluster.generator == plain.generator
    for model in (oracle, cluster):
        assert model.encoder == plain.encoder


def test_weight_decay_reaches_what_the_published_code_decays():
    cfg = load('rcg/mage_b')
    with DefaultScope.overwrite_default_scope('rcg'):
        model = MODELS.build(dict(type='MAGEViT', num_codes=8, num_tokens=4,
                                  encoder=dict(dim=8, depth=1, num_heads=2),
                                  decoder=dict(dim=8, depth=1, num_heads=2),
                                  condition=dict(
                                      type='RepresentationCondition',
                                      rep_dim=6)))
        build_groups = OPTIM_WRAPPER_CONSTRUCTORS.get(
            cfg.optim_wrapper.constructor)
    options = cfg.optim_wrapper.to_dict()
    resolve_lr(options, 64, 64)
    plain, decayed = build_groups(options).groups(model, .05)
    names = {id(p): name for name, p in model.named_parameters()}
    decayed = {names[id(p)] for p in decayed['params']}
    assert {'condition_embed.null_condition', 'embed.word.weight',
            'embed.position', 'decoder_position'} <= decayed
    assert all(name.endswith('bias') or 'norm' in name for name in
               (names[id(p)] for p in plain['params']))


def test_mask_ratio_and_average_are_the_published_ones():
    generator = build(load('rcg/mage_b')).generator
    assert generator.mask_ratio.per == 'batch'
    hook, = load('rdm/mocov3_vit_l_class_cond').custom_hooks
    assert (hook.decay, hook.only, hook.before_step) == (
        .9999, ('denoiser', ), True)


def checkpoints(cfg):
    """Every file of weights that a config names."""
    if isinstance(cfg, dict):
        for key, value in cfg.items():
            if key == 'checkpoint' and isinstance(value, str):
                yield value
            yield from checkpoints(value)
    elif isinstance(cfg, list):
        for value in cfg:
            yield from checkpoints(value)


def test_model_zoo_has_a_row_for_every_released_file_that_configs_name():
    text = (ROOT.parent / 'docs' / 'model_zoo.md').read_text()
    named = {path for leaf in LEAVES if leaf.startswith(('rdm/', 'rcg/'))
             for path in checkpoints(load_config(str(ROOT / leaf)).to_dict())}
    released = {Path(path).stem for path in named
                if path.startswith('checkpoints/')}
    assert {'mocov3_vit_l', 'rdm_mocov3_vit_l', 'maskgit_vqgan'} <= released
    for name in released:
        assert f'| `{name}` |' in text, name
    # What else is named, a config or a command in a header makes.
    headers = ''.join((ROOT / leaf).read_text() for leaf in LEAVES)
    for path in named - {f'checkpoints/{n}.safetensors' for n in released}:
        assert (f'--out {path} ' in headers or
                f"{path.removeprefix('work_dirs/')}.py" in LEAVES), path


def test_readmes_name_every_config_and_no_other():
    for folder in sorted({leaf.partition('/')[0] for leaf in LEAVES}):
        text = (ROOT / folder / 'README.md').read_text()
        there = {Path(leaf).name for leaf in LEAVES
                 if leaf.startswith(f'{folder}/')}
        own = set(re.findall(r'`(?:\S+/)?(\w+\.py)`', text))
        assert there <= own, folder
    zoo = (ROOT.parent / 'docs' / 'model_zoo.md').read_text()
    for config in re.findall(r'configs/(\w+/\w+\.py)', zoo):
        assert config in LEAVES, config


@pytest.mark.slow
def test_missing_weights_are_named_with_what_to_do(tmp_path):
    done = run_tool('test.py', str(ROOT / 'rcg' / 'mage_b.py'), tmp_path / 'x',
                    check=False, cwd=tmp_path)
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert 'maskgit_vqgan.safetensors' in said
    assert 'docs/model_zoo.md' in said and 'RCG_WEIGHTS' in said
    assert 'Traceback' not in said


@pytest.fixture
def imagenet(tmp_path, monkeypatch):
    """Four classes of one image, in the layout of ImageNet."""
    draw = np.random.default_rng(0)
    for split in ('train', 'val'):
        for label in range(4):
            path = tmp_path / split / f'n{label:08}' / f'{label}.png'
            path.parent.mkdir(parents=True)
            Image.fromarray(draw.integers(
                256, size=(300, 280, 3), dtype=np.uint8)).save(path)
    monkeypatch.setenv('RCG_DATA', str(tmp_path))


ENCODER = {'vit': dict(patch_size=32, embed_dim=16, depth=1, num_heads=2),
           'projector_hidden_dim': 8, 'projector_dim': 8, 'checkpoint': None}
DENOISER = {'rep_dim': 8, 'width': 16, 'num_blocks': 1}
SMALL = {
    'rdm/mocov3_vit_b_class_cond': {
        'model.denoiser': DENOISER, 'model.sampler.num_steps': 10,
        'val_evaluator.encoder': ENCODER, 'val_dataloader.batch_size': 4,
        'val_dataloader.dataset.num_images': 4},
    'rdm/mocov3_vit_b_flow': {
        'model.denoiser': DENOISER, 'model.sampler.num_steps': 4,
        'val_evaluator.encoder': ENCODER, 'val_dataloader.batch_size': 4,
        'val_dataloader.dataset.num_images': 4},
    'rcg/mage_b': {
        'model.rdm.denoiser': DENOISER, 'model.rdm.checkpoint': None,
        'model.tokenizer': dict(dim=32, dim_mult=(1, ) * 5, z_dim=8,
                                num_codes=16, num_res_blocks=1,
                                checkpoint=None),
        'model.generator.network': dict(
            num_codes=16, encoder=dict(dim=16, depth=1, num_heads=2),
            decoder=dict(dim=16, depth=1, num_heads=2),
            condition=dict(rep_dim=8)),
        'optim_wrapper.accumulative_counts': 2,
        'optim_wrapper.dtype': 'float32'},  # CPUs emulate bfloat16
}


@pytest.mark.parametrize('name', SMALL)
def test_recipes_train_at_a_small_size(name, imagenet, tmp_path):
    common = {'work_dir': str(tmp_path / 'run'), 'model.encoder': ENCODER,
              'train_dataloader': dict(batch_size=2, num_workers=0,
                                       persistent_workers=False),
              'train_cfg': dict(max_iters=4, val_interval=4),
              'default_hooks.checkpoint.interval': 4}
    cfg = load(name, **common, **SMALL[name])
    cfg.test_cfg = cfg.test_dataloader = cfg.test_evaluator = None
    RcgRunner.from_cfg(cfg).train()
    saved = torch.load(tmp_path / 'run' / 'iter_4.pth', weights_only=True)
    trained = saved['state_dict']
    assert all(value.isfinite().all() for value in trained.values())
    if name.startswith('rdm'):
        average = saved['ema_state_dict']
        # The trained weights beside the averages; labels have no average.
        moved = average['module.denoiser.input_proj.weight']
        assert not torch.equal(trained['denoiser.input_proj.weight'], moved)
        assert int(average['steps']) == 4
    else:
        assert 'ema_state_dict' not in saved


@pytest.mark.parametrize(('chosen', 'names'), [
    ('val,adm', ['adm/fid', 'adm/sfid', 'val/fid']), ('val', ['val/fid']),
    ('adm', ['adm/fid', 'adm/sfid'])])
def test_references_side_by_side_or_alone(monkeypatch, chosen, names):
    monkeypatch.setenv('RCG_REFERENCES', chosen)
    metrics = load('rcg/mage_l').test_evaluator
    assert names == sorted(f'{m.prefix}/{m.name}' for m in metrics
                           if m.type == 'FrechetDistance')
    assert metrics[0].type == 'InceptionScore'
    # A wrong path is told before the first image is generated.
    cfg = {**metrics[1], 'extractor': dict(type='ToyExtractor')}
    with pytest.raises(FileNotFoundError, match=re.escape(cfg['reference'])):
        METRICS.build(cfg)


def test_no_other_reference_is_known(monkeypatch):
    monkeypatch.setenv('RCG_REFERENCES', 'train')
    with pytest.raises(ValueError, match="val,adm, got 'train'"):
        load('rcg/mage_l')


@pytest.mark.parametrize('name', [
    'mocov3_vit_b', 'mocov3_vit_b_class_cond', 'deit_vit_b'])
def test_distances_of_representations_are_named_by_what_they_are_from(name):
    """0.48 is from the training images; from those of validation it is 2.73.

    (Appendix B.1 of arXiv:2312.03701.)
    """
    cfg = load(f'rdm/{name}')
    found = {metric.name: metric.reference for metric in cfg.test_evaluator}
    assert {name: images.split for name, images in found.items()} == dict(
        fd_train='train', fd_val='val')
    while_training = cfg.val_evaluator
    assert found[while_training.name] == while_training.reference
    for metric in cfg.test_evaluator:
        assert 'num_images' not in metric.reference
        # The floor: as many real images as are drawn.
        assert metric.real.split == 'train'
        assert metric.real.num_images == 50000
        assert metric.encoder == while_training.encoder == cfg.model.encoder
