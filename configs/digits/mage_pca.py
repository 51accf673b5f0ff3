"""RCG with PCA of pixels as the encoder: is self-supervision needed?

    python tools/train.py configs/digits/mage_pca.py
"""
_base_ = './mage.py'
work_dir = f'{_base_._root}/mage_pca'
model = dict(
    encoder=dict(
        _delete_=True, type='PixelPCA', image_size=16, num_components=64,
        checkpoint=f'{_base_._root}/encoder_pca', prefix='encoder.'),
    rdm=dict(checkpoint=f'{_base_._root}/rdm_pca'))
