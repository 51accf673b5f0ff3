"""The representation autoencoder of ImageNet at 256x256, as published.

DINOv2-B with registers sees 224x224 pixels as 16x16 patches of 14; the decoder
makes 256x256 of them, in patches of 16. Weights of the encoder come from
timm's cache or the network; offline, pretrained=PATH.
"""
_map_encoder = dict(
    type='TimmEncoder', model='vit_base_patch14_reg4_dinov2.lvd142m',
    pretrained=True, input_size=224)
_grid_size = 16
_channels = 768
_autoencoder = dict(
    type='RepresentationAutoencoder', encoder=_map_encoder,
    normalization=dict(type='GridNormalization', num_channels=_channels,
                       grid_size=_grid_size),
    # ViT-XL: 415 M parameters.
    decoder=dict(type='ViTDecoder', in_channels=_channels,
                 grid_size=_grid_size, patch_size=16, dim=1152, depth=28,
                 num_heads=16, mlp_ratio=4096 / 1152))
