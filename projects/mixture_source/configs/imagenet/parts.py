"""The mixture of MM-FM on ImageNet, not fitted yet: 8,192 modes of RAE codes.

Clusters are of DINOv2's pooled features. Means and standard deviations of all
modes take 12.9 GB, and fitting them four times that.
"""
_mode_encoder = dict(
    type='TimmEncoder', model='vit_base_patch14_reg4_dinov2.lvd142m',
    pretrained=True, input_size=224)
_clusters = dict(
    type='StoredRepresentations', num=8192, rep_dim=768,
    checkpoint='work_dirs/mixture_source/clusters.safetensors')
_of_codes = dict(type='GaussianMixture', num=8192, rep_dim=768,
                 shape=(768, 16, 16))
