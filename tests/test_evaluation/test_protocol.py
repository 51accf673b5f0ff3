"""What a protocol says, and that it is the same for the same scores."""
import json

import torch

from rcg.checkpoint import file_sha256
from rcg.engine import load_config
from rcg.engine.runner import RcgRunner
from rcg.evaluation.protocol import describe_test, versions
from tests.test_engine.running import ROOT, build_runner

CONFIG = str(ROOT / 'tests/test_engine/toy_painter_config.py')
SMALL = {'test_dataloader__dataset__num_images': 48}


def protocol_of(folder, **options):
    runner = build_runner(folder, CONFIG, **{**SMALL, **options})
    path = folder / 'weights.pth'
    torch.save(runner.model.state_dict(), path)
    runner.load_checkpoint(str(path))
    runner.test()
    return describe_test(runner, 48, 2.), str(path)


def test_all_that_scores_depend_on(tmp_path):
    protocol, path = protocol_of(tmp_path, model__quantization='round')
    json.dumps(protocol)  # plain types
    assert protocol['config']['name'] == 'toy_painter_config'
    assert protocol['checkpoint'] == dict(path=path, sha256=file_sha256(path))
    assert protocol['samples'] == dict(
        count=48, type='SeedDataset', seed=3, labels=None, order='index',
        batch_size=24)
    assert protocol['quantization'] == 'round'
    assert protocol['precision'] == dict(
        autocast=None,
        matmul='high' if torch.cuda.is_available() else 'highest')
    run = protocol['run']
    assert (run['processes'], run['samples_per_second']) == (1, 24.)
    fid, score, _ = protocol['metrics']
    assert fid['results'] == ['generation/fd']
    assert fid['reference']['count'] == 130
    assert fid['extractor']['type'] == 'ToyExtractor'
    assert score['results'] == ['generation/is', 'generation/is_std']
    assert score['num_splits'] == 10


def test_labels_take_turns(tmp_path):
    protocol, _ = protocol_of(
        tmp_path, test_dataloader__dataset__num_classes=7)
    assert protocol['samples']['labels'] == 'index modulo 7'


def test_hash_of_the_config_is_that_of_what_counts(tmp_path):
    one, two, three = (
        protocol_of(tmp_path, **options)[0]['config']['sha256']
        for options in ({}, {'log_level': 'WARNING'},
                        {'test_dataloader__dataset__seed': 4}))
    assert one == two != three


def test_sampling_of_generator_and_rdm(digits_root, tmp_path):
    cfg = load_config('configs/digits/mage.py', dict(
        work_dir=str(tmp_path), test_evaluator=[],
        **{'model.generator.guidance_scale': 3., 'custom_hooks': []}))
    for key in ('train_cfg', 'train_dataloader', 'optim_wrapper',
                'param_scheduler', 'val_cfg', 'val_dataloader',
                'val_evaluator'):
        cfg[key] = None
    protocol = describe_test(RcgRunner.from_cfg(cfg), 0, 0.)
    sampling = protocol['sampling']
    assert sampling['generator']['type'] == 'MAGE'
    assert sampling['generator']['guidance_scale'] == 3
    assert {'num_steps', 'temperature'} <= sampling['generator'].keys()
    assert sampling['rdm.sampler']['type'] == 'DDIMSampler'
    assert sampling['rdm.sampler']['eta'] == cfg.model.rdm.sampler.eta
    parts = protocol['frozen_parts']
    assert parts['rdm']['sha256'] == file_sha256(parts['rdm']['checkpoint'])
    assert protocol['checkpoint'] == dict(path=None, sha256=None)
    assert protocol['run']['samples_per_second'] is None


def test_versions():
    found = versions()
    assert found['torch'] == str(torch.__version__)
    assert {'rcg', 'torchvision', 'numpy', 'commit'} <= found.keys()
