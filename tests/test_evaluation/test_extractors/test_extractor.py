import os

import pytest
import torch

from rcg.checkpoint import CheckpointError
from rcg.evaluation import shared_extractor
from rcg.evaluation.data_samples import stack_images
from rcg.registry import ENCODERS
from tests.test_evaluation.toy import ToyExtractor, output_of

TOY = {'type': 'ToyExtractor'}


def test_equal_configs_share_one_network():
    one, same = shared_extractor(TOY), shared_extractor(dict(TOY))
    other = shared_extractor({**TOY, 'seed': 1})
    assert one is same
    assert one is not other


def test_nothing_is_kept_when_nobody_uses_it():
    extractor = shared_extractor(TOY)
    extractor.references['x'] = 1
    del extractor
    assert not shared_extractor(TOY).references


def test_a_batch_goes_through_the_network_once():
    extractor = shared_extractor(TOY)
    before = extractor.module.num_calls
    batch = [output_of(i) for i in range(4)]
    first = extractor.of_samples(batch)
    assert extractor.of_samples(batch) is first
    assert extractor.module.num_calls == before + 1
    extractor.of_samples([output_of(i) for i in range(4)])
    assert extractor.module.num_calls == before + 2


def test_runs_in_eval_mode_without_gradients_in_float32():
    extractor = shared_extractor(TOY)
    images = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        found = extractor(images)
    assert not extractor.module.training
    assert found['features'].dtype == torch.float32
    assert not found['features'].requires_grad


def test_an_encoder_gets_images_in_its_range():
    extractor = shared_extractor({'type': 'ToyEncoder'}, ENCODERS)
    images = output_of(0)['images'][None]
    wanted = extractor.module(images.float() / 127.5 - 1)
    assert torch.allclose(extractor(images)['features'], wanted)


def saved(path, seed):
    weights = {f'part.{name}': tensor
               for name, tensor in ToyExtractor(seed).state_dict().items()}
    torch.save({'state_dict': weights}, path)
    return {**TOY, 'checkpoint': str(path), 'prefix': 'part.'}


def test_weights_come_from_a_file_or_its_folder(tmp_path):
    cfg = saved(tmp_path / 'iter_3.pth', 5)
    extractor = shared_extractor(cfg)
    wanted = ToyExtractor(5).state_dict()
    assert all((extractor.module.state_dict()[name] == wanted[name]).all()
               for name in wanted)
    assert len(extractor.sha256) == 64
    assert shared_extractor({**cfg, 'checkpoint': str(tmp_path)}) is extractor


def test_describes_what_features_depend_on(tmp_path):
    cfg = saved(tmp_path / 'iter_3.pth', 5)
    extractor = shared_extractor(cfg)
    assert extractor.describe() == {
        **TOY, 'prefix': 'part.', 'weights': 'iter_3.pth',
        'sha256': extractor.sha256, 'resize': 'none'}
    encoder = shared_extractor({'type': 'ToyEncoder'})
    assert encoder.describe() == {'type': 'ToyEncoder', 'weights': None,
                                  'sha256': None, 'resize': 'none'}


def test_a_file_that_was_written_anew_is_read_anew(tmp_path):
    cfg = saved(tmp_path / 'iter_3.pth', 5)
    extractor = shared_extractor(cfg)
    saved(tmp_path / 'iter_3.pth', 6)
    os.utime(tmp_path / 'iter_3.pth', (1, 1))
    assert shared_extractor(cfg) is not extractor


def test_missing_or_foreign_weights(tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere'):
        shared_extractor({**TOY, 'checkpoint': str(tmp_path / 'nowhere')})
    cfg = saved(tmp_path / 'iter_3.pth', 5)
    with pytest.raises(CheckpointError, match="'another.'"):
        shared_extractor({**cfg, 'prefix': 'another.'})


def test_outputs_that_are_no_images():
    good = output_of(0)
    with pytest.raises(KeyError, match="needs 'images'.*index"):
        stack_images([good, {'index': 1}])
    with pytest.raises(TypeError, match='uint8.*to_uint8'):
        stack_images([{'images': good['images'].float()}])
