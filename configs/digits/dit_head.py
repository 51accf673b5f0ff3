"""dit.py with a wide, shallow head.

    python tools/train.py configs/digits/dit_head.py

The head of arXiv:2510.11690 (DDT's, arXiv:2504.05741): two blocks less, and a
wider one that decodes.
"""
_base_ = './dit.py'
work_dir = f'{_base_._root}/dit_head'
model = dict(generator=dict(network=dict(
    depth=3, form=dict(head=dict(dim=128, depth=1, num_heads=4)))))
