"""dit.py, whose hidden tokens are aligned with patches of an encoder: REPA.

    python tools/train.py configs/digits/dit_repa.py

Representation alignment (arXiv:2410.06940), at a digit's size: the encoder is
trained by encoder_patches.py without labels, beside what dit.py needs.
"""
_base_ = './dit.py'
work_dir = f'{_base_._root}/dit_repa'
model = dict(
    type='AlignedRCG',
    patch_encoder=dict(
        _base_.model.encoder, strides=(2, 2, 1, 1),
        checkpoint=f'{_base_._root}/encoder_patches'),
    generator=dict(
        type='AlignedDiffusionGenerator',
        # After 2 of 5 blocks, as REPA aligns after 8 of 28.
        alignment=dict(feature_dim=128, depth=2, hidden_dim=256)))
custom_hooks = [
    dict(type='CacheFeaturesHook', cache_dir=f'{_base_._root}/features',
         names=['codes', 'patches', 'representations']),
    dict(type='SampleGridHook', interval=300, num_images=40),
    _base_._average,
]
