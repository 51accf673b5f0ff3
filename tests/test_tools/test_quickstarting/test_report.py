"""The summary of the quick start."""
from tools.quickstarting.report import SCORES, _at_best, make_table


def run(fd_train, fd):
    return {**dict.fromkeys(SCORES.values(), 0.5), 'train/fd': fd_train,
            'held_out/fd': fd}


def test_settings_are_chosen_by_the_distance_to_the_training_digits():
    runs = {'metrics_12_0.5.json': [run(1., 9.), run(3., 9.)],
            'metrics_16_1.5.json': [run(2.5, 1.), run(2.5, 2.)]}
    best = _at_best(runs)
    assert best['settings'] == dict(num_steps=12, temperature=.5)
    assert best['fd'] == 9.
    assert best['fd_std'] == 0.
    assert best['fd_train_of_settings'] == {'12_0.5': 2., '16_1.5': 2.5}


def test_table():
    scores = _at_best({'metrics.json': [run(1., 2.)]})
    table = make_table(dict(
        models=dict(rcg=scores), seconds=dict(mage=7.2), seeds=1,
        tokenizer_floor=.4, real_train=.1, peak_memory_mb=900,
        seconds_elapsed=12.))
    assert '| RCG (MAGE on generated representations) | 2.00 | 0.50 |' in table
    assert '| 7 |' in table
    assert '900 MB' in table
