"""Which stages the quick start runs, in which order, and how."""
import pytest

from rcg.engine import load_config
from rcg.projects.quickstart.plan import GENERATORS, STAGES, Plan
from tests.test_engine.running import ROOT

ALL = tuple(GENERATORS)
CONFIGS = ROOT / 'configs' / 'digits'
READY = tuple(name for name in ALL if (CONFIGS / f'{name}.py').exists())


def test_mage_alone_is_the_default():
    commands = {name: (command, needs) for name, command, needs in
                Plan().commands(0)}
    models = ['mage_uncond', 'mage', 'mage_class_cond']
    assert list(commands) == [
        'encoder', 'tokenizer', 'rdm', *models, 'classifier',
        'score_tokenizer', *(f'score_{name}' for name in models),
        *(f'sample_{name}' for name in models)]
    assert commands['mage'] == (
        ['tools/train.py', 'configs/digits/mage.py', '--resume'],
        ('encoder', 'tokenizer', 'rdm'))
    assert commands['score_mage'] == (
        ['tools/test.py', 'configs/digits/mage.py', '{root}/mage', '--out',
         '{root}/mage/metrics.json'], ('mage', 'classifier'))
    assert commands['sample_mage_class_cond'][0][-11:] == [
        '--labels', *'0123456789']


@pytest.mark.parametrize(('generator', 'parts'), [
    ('mage', ['encoder', 'tokenizer', 'rdm']),
    ('dit', ['encoder', 'latents', 'rdm']), ('adm', ['encoder', 'rdm']),
    ('ldm', ['encoder', 'latents', 'rdm'])])
def test_a_generator_trains_what_it_needs_and_no_more(generator, parts):
    plan = Plan((generator, ))
    assert set(plan.trained) == {*parts, 'classifier', *plan.models}
    assert {generator, f'{generator}_uncond'} <= set(plan.models)
    assert list(plan.tokenizers) == [
        part for part in parts if part in ('tokenizer', 'latents')]


def test_all_generators_share_their_parts():
    plan = Plan(ALL)
    names = [name for name, *_ in plan.commands(0)]
    assert len(names) == len(set(names))
    assert list(plan.models) == [
        'mage_uncond', 'mage', 'mage_class_cond', 'dit_uncond', 'dit',
        'adm_uncond', 'adm', 'ldm_uncond', 'ldm']
    assert plan.models['dit_uncond'] == 'unconditional DiT'
    assert plan.models['ldm'] == 'RCG (LDM on generated representations)'
    assert {'score_tokenizer', 'score_latents'} <= set(names)


@pytest.mark.parametrize('seeds', [1, 2])
def test_stages_come_after_what_they_need(seeds):
    done = set()
    for name, _, needs in Plan(ALL, seeds).commands(1):
        # The runner sorts, but the classifier is wanted last of all.
        assert set(needs) <= done | {'classifier'}
        done.add(name)


def test_several_seeds():
    plan = Plan(ALL, seeds=2)
    assert set(STAGES) == set(plan.trained)  # the control, too
    commands = {name: command for name, command, _ in plan.commands(1)}
    for name in STAGES:
        assert commands[name][-2:] == ['--cfg-options', 'randomness.seed=1']
    assert commands['score_mage_pca_0.5'][-4:] == [
        '{root}/mage_pca/metrics_0.5.json', '--cfg-options',
        'test_dataloader.dataset.seed=1', 'model.generator.temperature=0.5']
    assert commands['score_dit'][-3:] == [
        '{root}/dit/metrics.json', '--cfg-options',
        'test_dataloader.dataset.seed=1']
    assert '--cfg-options' not in commands['score_latents']
    assert plan.settings('mage_uncond')['_4.5'] == dict(temperature=4.5)
    assert plan.settings('adm') == {'': {}}


def test_short_stages():
    commands = {name: command for name, command, _ in
                Plan(ALL, seeds=2, short=True).commands(0)}
    assert commands['dit'][-1] == 'train_cfg.max_iters=40'
    # Two iterations that make one pass over the images, not less.
    assert commands['encoder_pca'][-1] == '--resume'


@pytest.mark.parametrize('name', Plan(READY, seeds=2).trained)
def test_stages_need_what_their_configs_read(name, monkeypatch):
    monkeypatch.setenv('RCG_ROOT', '/root_of_all')
    cfg = load_config(str(CONFIGS / f'{name}.py'))
    assert cfg.work_dir == f'/root_of_all/{name}'
    read = {stage for stage in STAGES
            if f"'/root_of_all/{stage}'" in repr(cfg.model.to_dict())}
    assert read == set(STAGES[name][0])
