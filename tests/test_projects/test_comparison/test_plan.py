"""Which stages a comparison runs, read off the configs."""
import pytest

from rcg.projects.comparison.needs import needs
from rcg.projects.comparison.plan import Plan
from rcg.projects.quickstart.plan import STAGES
from rcg.projects.quickstart.plan import Plan as QuickStart

LR = 'optim_wrapper.optimizer.lr'
STEPS = 'model.generator.sampler.num_steps'


def commands_of(plan, seed=1):
    return {name: (command, needs)
            for name, command, needs in plan.commands(seed)}


def digits(*names):
    return [f'configs/digits/{name}.py' for name in names]


@pytest.mark.parametrize('name', STAGES)
def test_needs_are_those_that_the_quick_start_lists(name):
    found = set(needs(f'configs/digits/{name}.py')[0]) - {'classifier'}
    assert found == set(STAGES[name][0])


def test_trainings_are_the_quick_starts():
    for seed in 0, 1:
        ours = commands_of(
            Plan(digits('dit', 'dit_uncond'), {}, {}), seed)
        theirs = commands_of(QuickStart(('dit', )), seed)
        trained = [name for name in ours if not name.startswith('score_')]
        assert {'dit', 'dit_uncond', 'latents', 'encoder', 'rdm',
                'classifier'} == set(trained)
        assert all(ours[name][0] == theirs[name][0] for name in trained)


def test_stages_come_after_what_they_need():
    plan = Plan([*digits('mage_cluster', 'dit', 'rdm'),
                 'configs/digits/mage_oracle.py@mage'], {}, {})
    assert list(plan.needs['mage_oracle'][1]) == [
        'classifier', 'encoder', 'representations.safetensors', 'tokenizer']
    todo, done = commands_of(plan), set()
    while todo:
        ready = [name for name, (_, wanted) in todo.items()
                 if set(wanted) <= done]
        assert ready, todo
        done.update(ready)
        todo = {name: todo[name] for name in todo if name not in ready}
    assert {'mage', 'clusters.safetensors', 'score_mage_oracle'} <= done
    assert 'mage_oracle' not in done  # it has the weights of mage


def test_all_combinations_are_trained_and_scored():
    commands = commands_of(Plan(
        digits('dit_uncond'), {LR: ['4e-3', '8e-3']}, {STEPS: ['5', '10']}))
    assert 'dit_uncond' not in commands
    command, _ = commands['dit_uncond_lr-8e-3']
    assert command[-4:] == ['{root}/dit_uncond_lr-8e-3', '--cfg-options',
                            'randomness.seed=1', f'{LR}=8e-3']
    command, wanted = commands['score_dit_uncond_lr-4e-3_num_steps-10']
    assert command == [
        'tools/test.py', 'configs/digits/dit_uncond.py',
        '{root}/dit_uncond_lr-4e-3', '--out',
        '{root}/score_dit_uncond_lr-4e-3_num_steps-10.json', '--cfg-options',
        'test_dataloader.dataset.seed=1', f'{STEPS}=10']
    assert 'dit_uncond_lr-4e-3' in wanted
    assert sum(name.startswith('score') for name in commands) == 4


def test_other_weights_are_not_trained_once_more_with_options():
    plan = Plan(['configs/digits/mage_oracle.py@mage'],
                {LR: ['1e-3', '2e-3']}, {})
    assert [model.run for model in plan.models] == ['mage']


def test_stages_beside_a_config_come_first(tmp_path, monkeypatch):
    (tmp_path / 'rdm.py').write_text("_base_ = 'rcg::digits/rdm.py'\n")
    (tmp_path / 'mine.py').write_text(
        "_base_ = 'rcg::digits/mage.py'\n"
        "work_dir = f'{_base_._root}/mine'\n")
    commands = commands_of(Plan([str(tmp_path / 'mine.py')], {}, {}))
    assert commands['rdm'][0][1] == str(tmp_path / 'rdm.py')
    assert commands['encoder'][0][1] == 'configs/digits/encoder.py'


def test_stages_of_a_folder_of_images():
    """A project's ``configs/folder`` goes on with those of ours."""
    folder = 'projects/dlc/configs/folder'
    commands = commands_of(Plan([
        f'{folder}/dlc_mage.py', 'configs/folder/mage_cluster.py',
        'configs/folder/pixels_rdm_flow.py@pixels'], {}, {}))
    configs = {name: command[1] for name, (command, _) in commands.items()}
    assert configs['dlc_encoder'] == f'{folder}/dlc_encoder.py'
    assert all(configs[name] == f'configs/folder/{name}.py' for name in (
        'encoder', 'tokenizer', 'rdm', 'rdm_flow', 'pixels'))
    assert commands['clusters.safetensors'][0][1] == 'configs/folder/rdm.py'
    assert 'classifier' not in commands


def test_two_models_of_one_folder():
    with pytest.raises(ValueError, match='more than one model.*dit'):
        Plan(digits('dit', 'dit'), {}, {})
    with pytest.raises(ValueError, match='more than one model'):
        Plan(digits('dit'), {'a.lr': ['1'], 'b.lr': ['1', '1']}, {})


def test_configs_that_cannot_be_compared(tmp_path):
    with pytest.raises(ValueError, match='has the work_dir'):
        Plan(['configs/rcg/mage_b.py'], {}, {})
    with pytest.raises(FileNotFoundError, match='no config'):
        Plan(['configs/digits/nothing.py'], {}, {})
    mine = tmp_path / 'mine.py'
    mine.write_text("_base_ = 'rcg::digits/mage.py'\n"
                    "work_dir = f'{_base_._root}/mine'\n"
                    "load_from = f'{_base_._root}/elsewhere'\n")
    with pytest.raises(FileNotFoundError, match="reads 'elsewhere'.*configs/"
                       f"{tmp_path.name} or configs/digits"):
        Plan([str(mine)], {}, {})


def test_codes_are_made_by_their_own_encoder():
    folder = 'projects/dlc/configs/digits'
    commands = commands_of(Plan(
        [f'{folder}/dlc_mage.py',
         f'{folder}/dlc_mage_oracle.py@dlc_mage'], {}, {}))
    assert {'dlc_encoder', 'dlc_prior', 'codes.safetensors', 'dlc_mage',
            'score_dlc_mage_oracle'} <= set(commands)
    command, wanted = commands['codes.safetensors']
    assert command[1] == f'{folder}/dlc_prior.py'
    assert wanted == ('dlc_encoder', )
