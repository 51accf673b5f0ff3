"""Datasets of images, samplers, transforms, and seeds to generate from."""
from rcg.datasets.arrays import CIFAR10, ArrayDataset, Digits, ImageArchive
from rcg.datasets.folders import ImageFolder, ImageNet
from rcg.datasets.images import ImageDataset, collate_batch
from rcg.datasets.stream import (
    SeedBatchSampler,
    SeedDataset,
    StreamItem,
    StreamSampler,
)
from rcg.datasets.transforms import CenterCrop, Resize, Transform

__all__ = [
    'ArrayDataset', 'CIFAR10', 'CenterCrop', 'Digits', 'ImageArchive',
    'ImageDataset', 'ImageFolder', 'ImageNet', 'Resize', 'SeedBatchSampler',
    'SeedDataset', 'StreamItem', 'StreamSampler', 'Transform', 'collate_batch'
]
