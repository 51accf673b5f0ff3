"""What learns: networks that know no schedule, sampler or loss."""
from .denoising_mlp import DenoisingMLP
from .dit import DiT
from .mage_vit import MAGEViT
from .unet import UNet

__all__ = ['DenoisingMLP', 'DiT', 'MAGEViT', 'UNet']
