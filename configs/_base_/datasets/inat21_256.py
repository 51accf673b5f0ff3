"""iNaturalist 2021: 2,686,843 images of 10,000 species; 100,000 to validate.

Where it is: RCG_DATA=/path/to/inat21 before a command; the folder that holds
``train/`` and ``val/`` with a folder for each species
(https://github.com/visipedia/inat_comp/tree/master/2021). A leaf that inherits
one of ImageNet's takes the names below in place of those.
"""
_inat_root = '{{$RCG_DATA:data/inat21}}'
_inat = dict(
    train=dict(type='ImageFolder', data_root=f'{_inat_root}/train'),
    val=dict(type='ImageFolder', data_root=f'{_inat_root}/val'))
_inat_classes = 10000

# Steps of an epoch; each process drops its last incomplete batch.
_inat_epoch_of_4096 = 655  # 64 x 64
_inat_epoch_of_512 = 5247  # 4 x 128
