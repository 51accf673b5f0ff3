"""RCG by flow over the digits' RAE codes, with the published head.

    python tools/train.py projects/rae/configs/digits/rae_dit.py

Needs encoder, RDM and classifier (configs/digits/*.py) and rae_tokenizer.py.
Batches, steps and rate are those of configs/digits/dit_flow.py.
"""
_base_ = ['rcg::digits/dit_flow.py', './parts.py']
custom_imports = dict(imports=['rcg.projects.rae'],
                      allow_failed_imports=False)
work_dir = f'{_base_._root}/rae_dit'
model = dict(
    tokenizer=dict(_base_._autoencoder, _delete_=True, prefix='tokenizer.',
                   checkpoint=f'{_base_._root}/rae_tokenizer'),
    generator=dict(
        network=dict(
            input_size=2, in_channels=128, depth=4,
            # As wide as the codes have channels, or wider.
            form=dict(head=dict(dim=144, depth=1, num_heads=3)))))
# Times are not shifted. The paper's sqrt(dimension / 4096) is 0.35 for these
# small codes, towards clean data: train/fd 6.29 of the baseline, and 2.62
# without (one seed).
