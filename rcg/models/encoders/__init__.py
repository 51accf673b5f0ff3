from rcg.models.encoders.base import Encoder
from rcg.models.encoders.conv import ConvEncoder
from rcg.models.encoders.moco_v3 import MoCoV3ViT

__all__ = ['ConvEncoder', 'Encoder', 'MoCoV3ViT']
