"""The published prior over the codes of ImageNet: SEDD, 323 M parameters.

    bash tools/dist_train.sh projects/dlc/configs/imagenet/dlc_sedd.py 4

Never run. Published weights fit it: see README.md. Data, length, batch, rate
and averages are those of dlc_prior.py.
"""
_base_ = './dlc_prior.py'
work_dir = 'work_dirs/dlc/dlc_sedd'
model = dict(_base_._sedd, _delete_=True, encoder=_base_._frozen_encoder,
             data_preprocessor=dict(type='ImagePreprocessor'))
