from rcg.models.encoders.base import Encoder
from rcg.models.encoders.conv import ConvEncoder
from rcg.models.encoders.pixel_pca import PixelPCA
from rcg.models.encoders.resnet import SmallResNet
from rcg.models.encoders.timm import TimmEncoder
from rcg.models.encoders.timm_local import (
    LocalEncoder,
    find_timm_encoder,
    list_timm_encoders,
)
from rcg.models.encoders.vit import DeiTViT, DINOViT, MoCoV3ViT

__all__ = [
    'ConvEncoder', 'DINOViT', 'DeiTViT', 'Encoder', 'LocalEncoder',
    'MoCoV3ViT', 'PixelPCA', 'SmallResNet', 'TimmEncoder',
    'find_timm_encoder', 'list_timm_encoders'
]
