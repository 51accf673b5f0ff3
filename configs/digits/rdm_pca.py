"""RDM over PCA components of pixels: the control for rdm.py.

    python tools/train.py configs/digits/rdm_pca.py
"""
_base_ = './rdm.py'
work_dir = f'{_base_._root}/rdm_pca'
encoder = dict(
    _delete_=True, type='PixelPCA', image_size=16, num_components=64,
    checkpoint=f'{_base_._root}/encoder_pca', prefix='encoder.')
model = dict(encoder=encoder)
val_evaluator = dict(encoder=encoder)
test_evaluator = val_evaluator
