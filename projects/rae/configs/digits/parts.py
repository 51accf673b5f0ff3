"""The representation autoencoder of the digits, untrained.

The codes are the last feature map of the digits' encoder: 128 channels of 2x2
places, from MoCo v3 without labels.
"""
_rae_root = '{{$RCG_ROOT:work_dirs/quickstart}}'
_map_encoder = dict(
    type='ConvEncoder', widths=(32, 64, 128, 128), strides=(2, 2, 2, 1),
    projector_hidden_dim=256, projector_dim=64,
    checkpoint=f'{_rae_root}/encoder', prefix='encoder.')
_autoencoder = dict(
    type='RepresentationAutoencoder', encoder=_map_encoder,
    normalization=dict(type='GridNormalization', num_channels=128,
                       grid_size=2),
    decoder=dict(type='ViTDecoder', in_channels=128, grid_size=2,
                 patch_size=8, dim=96, depth=3, num_heads=3))
