"""Fixtures of several files."""
import os

import pytest
import torch


@pytest.fixture(scope='session')
def random_network(tmp_path_factory):
    """torch-fidelity's Inception, its weights random, and their file."""
    from torch_fidelity import feature_extractor_inceptionv3 as library

    class Random(library.FeatureExtractorInceptionV3):
        def load_state_dict(self, state):
            pass

    path = tmp_path_factory.mktemp('inception') / 'weights.pth'
    torch.save({}, path)
    torch.manual_seed(0)
    network = Random('inception-v3-compat', ['2048', 'logits_unbiased'],
                     str(path))
    for weight in network.parameters():
        if weight.ndim == 4:  # else nothing would be left after 20 layers
            weight *= 6**.5
    # The released file is in the format of torch < 1.6.
    torch.save(network.state_dict(), path,
               _use_new_zipfile_serialization=False)
    yield network, str(path)
    os.remove(path)  # 91 MB
