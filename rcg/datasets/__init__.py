"""Datasets of images, samplers, transforms, and seeds to generate from."""
from rcg.datasets.digits import Digits
from rcg.datasets.images import ArrayDataset, ImageDataset
from rcg.datasets.seeds import SeedBatchSampler, SeedDataset
from rcg.datasets.stream import StreamItem, StreamSampler

__all__ = [
    'ArrayDataset', 'Digits', 'ImageDataset', 'SeedBatchSampler',
    'SeedDataset', 'StreamItem', 'StreamSampler'
]
