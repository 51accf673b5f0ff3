"""Views of one's own images, 32 to 256 pixels, for MoCo v3 and SimCLR.

Views have the size of the images, so nothing here depends on it. A leaf takes
one of four lists for both views:

    views=[_base_._augmentations['keep_color']] * 2

| name | colors | mirrored |
|---|---|---|
| keep_color | as they are, but for brightness and contrast | no |
| keep_color_flip | likewise | half of the images |
| change_color | jittered, a fifth turned gray | no |
| change_color_flip | likewise | half of the images |

An encoder becomes blind to what its views change. Representations that
ignore colors leave them to chance in the images that are drawn, so change
them only if they do not matter. Mirror only what is as good mirrored: no
letters, no arrows.
"""
# A crop is also a shift. Smaller ones lose more of where things are.
_crop = dict(type='RandomResizedCrop', scale=(.6, 1.))
_light = dict(type='ColorJitter', brightness=.1, contrast=.1)
_color = [
    dict(type='ColorJitter', brightness=.4, contrast=.4, saturation=.4,
         hue=.1, prob=.8),
    dict(type='RandomGrayscale', prob=.2),
]
_cutout = dict(type='Cutout', size=(.2, .4), prob=.5)
_mirror = dict(type='RandomFlip', prob=.5)
_augmentations = dict(
    keep_color=[_crop, _light, _cutout],
    keep_color_flip=[_crop, _mirror, _light, _cutout],
    change_color=[_crop, *_color, _cutout],
    change_color_flip=[_crop, _mirror, *_color, _cutout])
