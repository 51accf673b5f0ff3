from rcg.models.encoders.base import Encoder
from rcg.models.encoders.conv import ConvEncoder
from rcg.models.encoders.deit import DeiTViT
from rcg.models.encoders.dino import DINOViT
from rcg.models.encoders.moco_v3 import MoCoV3ViT
from rcg.models.encoders.pixel_pca import PixelPCA
from rcg.models.encoders.timm import TimmEncoder

__all__ = [
    'ConvEncoder', 'DINOViT', 'DeiTViT', 'Encoder', 'MoCoV3ViT', 'PixelPCA',
    'TimmEncoder'
]
