"""Inception with random weights: the released ones are not at hand."""
import pickle

import numpy as np
import pytest
import torch
from torch_fidelity import feature_extractor_inceptionv3 as library

from rcg.checkpoint import CheckpointError, file_sha256
from rcg.evaluation import Inception, shared_extractor


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
    assert extractor.describe() == {
        'type': 'Inception', 'weights': 'weights.pth',
        'sha256': file_sha256(path), 'resize': 'tensorflow to 299'}


@pytest.mark.slow
def test_spatial_features_are_those_of_adm(random_network):
    # evaluator.py of guided-diffusion: 'mixed_6/conv', NHWC, [..., :7]
    network, path = random_network
    images = torch.randint(0, 256, (2, 3, 40, 32), dtype=torch.uint8)
    x = library.interpolate_bilinear_2d_like_tensorflow1x(
        images.float(), size=(299, 299), align_corners=False)
    x = (x - 128) / 128
    for name, part in network.named_children():
        if name == 'Mixed_6d':
            break
        x = part(x)
    wanted = part.branch1x1(x).numpy().transpose(0, 2, 3, 1)[..., :7]
    found = Inception(path).eval()(images)['spatial']
    assert np.array_equal(found.numpy(), wanted.reshape(2, 17 * 17 * 7))


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
    with pytest.raises(CheckpointError, match='torch.save did not write'):
        Inception(str(path))
    torch.save({'fc.weight': Bomb()}, path)
    with pytest.raises(CheckpointError, match='exec'):
        Inception(str(path))


def test_weights_of_another_network(tmp_path):
    path = str(tmp_path / 'weights.pth')
    torch.save({'conv.weight': torch.zeros(2, 2)}, path)
    with pytest.raises(CheckpointError, match='no Inception of torch-fid'):
        Inception(path)
