"""The two views of MoCo v3 for natural images, 224x224 (arXiv:2104.02057).

They are not alike: one is always blurred, the other sometimes solarized.
Give images of about 256x256. A leaf says ``views=_base_._views``.
"""
_color = [
    dict(type='ColorJitter', brightness=.4, contrast=.4, saturation=.2,
         hue=.1, prob=.8),
    dict(type='RandomGrayscale', prob=.2),
]
_views = [
    [
        dict(type='RandomResizedCrop', size=224, scale=(.08, 1.)),
        *_color,
        dict(type='GaussianBlur', sigma=(.1, 2.), prob=1.),
        dict(type='RandomFlip'),
    ],
    [
        dict(type='RandomResizedCrop', size=224, scale=(.08, 1.)),
        *_color,
        dict(type='GaussianBlur', sigma=(.1, 2.), prob=.1),
        dict(type='Solarize', prob=.2),
        dict(type='RandomFlip'),
    ],
]
