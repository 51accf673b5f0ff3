"""Datasets of images, samplers, transforms, and seeds to generate from."""
from rcg.datasets.archive import ImageArchive
from rcg.datasets.arrays import ArrayDataset
from rcg.datasets.cifar import CIFAR10
from rcg.datasets.digits import Digits
from rcg.datasets.folders import ImageFolder, ImageNet
from rcg.datasets.images import ImageDataset, collate_batch
from rcg.datasets.keyed import KeyedDataset
from rcg.datasets.seeds import SeedBatchSampler, SeedDataset
from rcg.datasets.stream import ItemSampler, StreamItem, StreamSampler
from rcg.datasets.tar_shards import TarShards
from rcg.datasets.transforms import CenterCrop, Resize, Transform

__all__ = [
    'ArrayDataset', 'CIFAR10', 'CenterCrop', 'Digits', 'ImageArchive',
    'ImageDataset', 'ImageFolder', 'ImageNet', 'ItemSampler', 'KeyedDataset',
    'Resize', 'SeedBatchSampler', 'SeedDataset', 'StreamItem',
    'StreamSampler', 'TarShards', 'Transform', 'collate_batch'
]
