"""The summary of the quick start."""
from rcg.projects.quickstart.plan import Plan
from rcg.projects.quickstart.report import SCORES, at_best, make_table


def run(fd_train, fd):
    return {**dict.fromkeys(SCORES.values(), 0.5), 'train/fd': fd_train,
            'held_out/fd': fd}


def test_settings_are_chosen_by_the_distance_to_the_training_digits():
    settings = {'_0.5': dict(temperature=.5), '_1.5': dict(temperature=1.5)}
    best = at_best({'_0.5': [run(1., 9.), run(3., 9.)],
                    '_1.5': [run(2.5, 1.), run(2.5, 2.)]}, settings)
    assert best['settings'] == dict(temperature=.5)
    assert best['fd'] == 9.
    assert best['fd_std'] == 0.
    assert best['fd_train_of_settings'] == {'0.5': 2., '1.5': 2.5}


def summary_of(**models):
    return dict(models=models, seconds=dict.fromkeys(models, 7.2), seeds=1,
                tokenizers=dict(tokenizer=.4), real_train=.1,
                peak_memory_mb=900, seconds_elapsed=12.)


def test_table():
    scores = at_best({'': [run(1., 2.)]}, {'': {}})
    table = make_table(summary_of(mage=scores), Plan())
    assert '| RCG (MAGE on generated representations) | 2.00 | 0.50 |' in table
    assert '| 7 |' in table
    assert '| tokenizer: training digits, reconstructed | 0.40 |' in table
    assert '900 MB' in table


def test_settings_stand_beside_the_model():
    scores = dict(at_best({'': [run(1., 2.), run(1., 4.)]}, {'': {}}),
                  settings=dict(temperature=4.5))
    table = make_table(summary_of(mage_uncond=scores), Plan(seeds=2))
    assert '| unconditional MAGE, temperature 4.5 | 3.00 ± 1.41 |' in table
