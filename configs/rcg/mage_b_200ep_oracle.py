"""Ablation: MAGE-B, 200 epochs, on representations of real images.

    python tools/store_representations.py configs/rcg/mage_b_200ep.py \\
        --out data/representations_mocov3_vit_b.safetensors \\
        --cfg-options model.rdm=None
    python tools/test.py configs/rcg/mage_b_200ep_oracle.py \\
        work_dirs/rcg/mage_b_200ep

Published (arXiv:2312.03701 table 9a, "oracle"): FID 4.37, IS 149.0 against the
validation images; with an RDM 5.07. The generator is that of mage_b_200ep.py:
train that.

Here they are those of the training images; which images the paper took is not
known to us. Of the 50,000 validation images, which are the reference, too: add
``train_dataloader.dataset.split=val`` to the first command and name another
file, and here model.rdm.num=50000 model.rdm.checkpoint=FILE.
"""
_base_ = './mage_b_200ep.py'
work_dir = 'work_dirs/rcg/mage_b_200ep_oracle'
model = dict(rdm=dict(
    _delete_=True, type='StoredRepresentations', num=1281167, rep_dim=256,
    checkpoint='data/representations_mocov3_vit_b.safetensors'))
