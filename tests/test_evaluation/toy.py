"""A tiny extractor, encoder and generator, and several processes."""
import multiprocessing
import os
import pickle
import traceback

import torch
from torch import nn

from rcg.registry import DATASETS, ENCODERS, FEATURE_EXTRACTORS


@FEATURE_EXTRACTORS.register_module()
class ToyExtractor(nn.Module):
    """Seven features and four logits; counts the batches it sees."""

    def __init__(self, seed=0):
        super().__init__()
        torch.manual_seed(seed)
        self.conv = nn.Conv2d(3, 7, 3)
        self.head = nn.Linear(7, 4)
        self.num_calls = 0

    def forward(self, images):
        self.num_calls += 1
        features = self.conv(images.float() / 64).relu().mean((2, 3))
        return {'features': features, 'logits': self.head(features)}


@ENCODERS.register_module()
class ToyEncoder(nn.Module):
    rep_dim = 3

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.linear = nn.Linear(3 * 8 * 8, 3)

    def forward(self, images):
        assert -1 <= images.min() < 0 < images.max() <= 1
        return self.linear(images.flatten(1))


@DATASETS.register_module()
class ToyImages(torch.utils.data.Dataset):
    """Random images; of another seed, others."""
    in_memory = True

    def __init__(self, num_images=130, seed=0, is_random=False):
        generator = torch.Generator().manual_seed(seed)
        self.images = torch.randint(0, 256, (num_images, 3, 8, 8),
                                    generator=generator, dtype=torch.uint8)
        self.is_random = is_random

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return {'images': self.images[index], 'indices': index}


def output_of(index, seed=5):
    """What a model may return for one index."""
    generator = torch.Generator().manual_seed(1000 * seed + index)
    images = torch.randint(0, 256, (2, 3, 8, 8), generator=generator,
                           dtype=torch.uint8)
    return {'images': images[0], 'originals': images[1], 'index': index,
            'representations': torch.randn(3, generator=generator),
            'correct': bool(images[0, 0, 0, 0] > 100)}


def _child(rank, world, folder, function, args):
    try:
        torch.set_num_threads(1)
        torch.distributed.init_process_group(
            'gloo', init_method=f'file://{folder}/store', rank=rank,
            world_size=world)
        result = function(*args)
        torch.distributed.destroy_process_group()
    except BaseException:
        result = traceback.format_exc()
    with open(os.path.join(folder, f'{rank}.pkl'), 'wb') as file:
        pickle.dump(result, file)


def run_processes(world, folder, function, *args):
    """Call ``function`` in several processes; return what each returned."""
    folder = folder / f'{world}_processes'
    folder.mkdir()
    context = multiprocessing.get_context('fork')
    children = [
        context.Process(target=_child,
                        args=(rank, world, str(folder), function, args))
        for rank in range(world)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()
    return [pickle.loads((folder / f'{rank}.pkl').read_bytes())
            for rank in range(world)]


def for_torch_fidelity(make_network):
    """A class of torch-fidelity's around a network that is made here."""
    from torch_fidelity.feature_extractor_base import FeatureExtractorBase

    class Theirs(FeatureExtractorBase):
        def __init__(self, name, features_list, **kwargs):
            super().__init__(name, features_list)
            self.network = make_network()

        @staticmethod
        def get_provided_features_list():
            return 'features', 'logits'

        @staticmethod
        def get_default_feature_layer_for_metric(metric):
            return 'logits' if metric == 'isc' else 'features'

        def forward(self, images):
            found = self.network(images)
            return tuple(found[name] for name in self.features_list)

    return Theirs
