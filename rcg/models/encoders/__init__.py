from rcg.models.encoders.base import Encoder
from rcg.models.encoders.conv import ConvEncoder
from rcg.models.encoders.moco_v3 import MoCoV3ViT
from rcg.models.encoders.pixel_pca import PixelPCA

__all__ = ['ConvEncoder', 'Encoder', 'MoCoV3ViT', 'PixelPCA']
