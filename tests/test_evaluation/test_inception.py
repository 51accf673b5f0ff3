"""Inception with random weights: the released ones are not at hand."""
import os
import pickle

import pytest
import torch
from torch_fidelity import feature_extractor_inceptionv3 as library

from rcg.checkpoint import CheckpointError
from rcg.evaluation import Inception, shared_extractor


@pytest.fixture(scope='module')
def random_network(tmp_path_factory):
    class Random(library.FeatureExtractorInceptionV3):
        def load_state_dict(self, state):
            pass

    path = tmp_path_factory.mktemp('inception') / 'weights.pth'
    torch.save({}, path)
    torch.manual_seed(0)
    network = Random('inception-v3-compat', ['2048', 'logits_unbiased'],
                     str(path))
    # The released file is in the format of torch < 1.6.
    torch.save(network.state_dict(), path,
               _use_new_zipfile_serialization=False)
    yield network, str(path)
    os.remove(path)  # 91 MB


@pytest.mark.slow
def test_features_are_those_of_the_library(random_network):
    network, path = random_network
    images = torch.randint(0, 256, (2, 3, 40, 32), dtype=torch.uint8)
    extractor = shared_extractor(dict(type='Inception', weights_path=path))
    found = extractor(images)
    features, logits = network(images)
    assert found['features'].shape == (2, 2048)
    assert found['logits'].shape == (2, 1008)
    assert torch.equal(found['features'], features)
    assert torch.equal(found['logits'], logits)


def test_nothing_is_downloaded(tmp_path, monkeypatch):
    monkeypatch.setenv('TORCH_HOME', str(tmp_path))
    monkeypatch.setattr(library, 'load_state_dict_from_url', None)
    with pytest.raises(FileNotFoundError) as error:
        Inception()
    assert 'https://github.com/toshas/torch-fidelity' in str(error.value)
    assert f'{tmp_path}/hub/checkpoints/weights-inc' in str(error.value)


class Bomb:
    def __reduce__(self):
        return exec, ("raise SystemExit('boom')", )


def test_a_file_of_weights_cannot_run_code(tmp_path):
    path = tmp_path / 'weights.pth'
    path.write_bytes(pickle.dumps({'fc.weight': Bomb()}, protocol=2))
    with pytest.raises(CheckpointError, match='exec'):
        Inception(str(path))
