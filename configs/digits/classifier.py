"""Classifier whose features score generated digits, as Inception's do.

    python tools/train.py configs/digits/classifier.py

Trained on the labels of the training digits alone.
"""
_base_ = [
    '../_base_/default_runtime.py', '../_base_/datasets/digits.py',
    '../_base_/schedules/cosine.py'
]
work_dir = f'{_base_._root}/classifier'
optim_wrapper = dict(optimizer=dict(lr=5e-3))
default_hooks = dict(checkpoint=dict(interval=60))
train_cfg = dict(type='StreamTrainLoop',
                 max_samples=120 * 128, val_interval=120)
model = dict(
    type='ClassifierTraining',
    data_preprocessor=dict(type='ImagePreprocessor'),
    classifier=dict(type='ConvClassifier'))
val_cfg = dict(type='ValLoop')
val_dataloader = _base_._held_out_loader
val_evaluator = dict(type='Accuracy')
test_cfg = dict(type='TestLoop')
test_dataloader = val_dataloader
test_evaluator = val_evaluator
