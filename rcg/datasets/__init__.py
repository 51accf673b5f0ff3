"""Datasets of images, samplers, transforms, and seeds to generate from."""
from rcg.datasets.archive import ImageArchive
from rcg.datasets.cifar import CIFAR10
from rcg.datasets.collate import Batch, collate_batch
from rcg.datasets.digits import Digits
from rcg.datasets.folders import ImageFolder, ImageNet
from rcg.datasets.images import ArrayDataset, ImageDataset
from rcg.datasets.seeds import SeedBatchSampler, SeedDataset
from rcg.datasets.stream import StreamItem, StreamSampler
from rcg.datasets.transforms import (
                                     ADMCenterCrop,
                                     CenterCrop,
                                     RandomCrop,
                                     RandomFlip,
                                     Resize,
                                     Transform,
)

__all__ = [
    'ADMCenterCrop', 'ArrayDataset', 'Batch', 'CIFAR10', 'CenterCrop',
    'Digits', 'ImageArchive', 'ImageDataset', 'ImageFolder', 'ImageNet',
    'RandomCrop', 'RandomFlip', 'Resize', 'SeedBatchSampler', 'SeedDataset',
    'StreamItem', 'StreamSampler', 'Transform', 'collate_batch'
]
