"""RCG with the representations of real digits in place of the RDM's.

    python tools/store_representations.py configs/digits/rdm.py \\
        --out work_dirs/quickstart/representations.safetensors
    python tools/test.py configs/digits/mage_oracle.py \\
        work_dirs/quickstart/mage

The paper's "oracle" (arXiv:2312.03701, table 9a) on digits: what a perfect RDM
would give. The generator is that of mage.py: train that. Representations are
of the 1,438 training digits; of the 359 held-out ones: add ``--cfg-options
train_dataloader.dataset.split=test`` to the first command, name another file
there, and the same here with model.rdm.num=359 model.rdm.checkpoint=FILE.
"""
_base_ = ['./mage.py', '../_base_/models/digits_conditions.py']
work_dir = f'{_base_._root}/mage_oracle'
model = dict(rdm=_base_._oracle)
