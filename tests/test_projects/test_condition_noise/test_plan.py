"""Which stages the measurement runs, and how."""
import pytest

from rcg.engine import load_config
from rcg.projects.condition_noise.plan import Plan
from rcg.projects.quickstart.plan import Plan as QuickStart

ALL = ('mage', 'dit', 'adm', 'ldm')


def commands_of(plan, seed=1):
    return {name: (command, needs)
            for name, command, needs in plan.commands(seed)}


def test_parts_are_the_quick_starts_and_shared():
    ours = commands_of(Plan(('mage', ), (600, 2400), (0., .3)))
    theirs = commands_of(QuickStart(('mage', ), seeds=2))
    parts = ['encoder', 'tokenizer', 'rdm', 'classifier']
    assert [name for name in ours if name in theirs] == parts
    assert all(ours[name] == theirs[name] for name in parts)
    assert 'latents' in commands_of(Plan(('dit', ), (600, ), (0., )))


def test_trainings_differ_in_steps_and_noise_alone():
    commands = commands_of(Plan(('mage', ), (600, 2400), (0., .3)))
    long, needs = commands['mage_2400_0.3']
    assert long[-2:] == [
        'train_cfg.max_iters=2400',
        'model.generator.network.condition.noise_std=0.3']
    assert needs == ('encoder', 'tokenizer', 'rdm')
    short, _ = commands['mage_600_0']
    different = {a for a, b in zip(long, short, strict=True) if a != b}
    assert different == {'{root}/mage_2400_0.3', *long[-2:]}
    assert 'randomness.seed=1' in short


def test_mage_is_scored_at_several_temperatures():
    commands = commands_of(Plan(('mage', 'dit'), (600, ), (0., )))
    command, needs = commands['score_mage_600_0_4.5']
    assert command == [
        'tools/test.py', '{root}/mage_600_0', '--out',
        '{root}/mage_600_0/metrics_4.5.json', '--cfg-options',
        'test_dataloader.dataset.seed=1', 'model.generator.temperature=4.5']
    assert needs == ('mage_600_0', 'classifier')
    assert len([name for name in commands if 'score_mage' in name]) > 1
    assert len([name for name in commands if 'score_dit' in name]) == 1


def test_stages_come_after_what_they_need():
    done = set()
    plan = Plan(ALL, (600, 2400), (0., .3))
    for name, _, needs in plan.commands(0):
        assert set(needs) <= done
        assert name not in done
        done.add(name)
    assert {setting.name for setting in plan.settings} <= done


@pytest.mark.parametrize('generator', ALL)
def test_configs_take_the_options(generator, monkeypatch):
    monkeypatch.setenv('RCG_ROOT', '/root_of_all')
    command, _ = commands_of(Plan((generator, ), (700, ), (.3, )))[
        f'{generator}_700_0.3']
    cfg = load_config(
        command[1], command[command.index('--cfg-options') + 1:])
    assert cfg.train_cfg.max_iters == 700
    assert cfg.randomness.seed == 1
    condition = cfg.model.generator.network.condition
    assert condition.type == 'RepresentationCondition'
    assert condition.noise_std == .3
