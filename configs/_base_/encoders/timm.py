"""Any model of timm, here DINOv2 ViT-B/14 (arXiv:2304.07193).

Weights come from timm's cache or the network; offline, pretrained=PATH.
"""
encoder = dict(type='TimmEncoder', model='vit_base_patch14_dinov2.lvd142m',
               pretrained=True)
