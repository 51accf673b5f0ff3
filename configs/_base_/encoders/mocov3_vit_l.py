"""MoCo v3 ViT-L/16 (arXiv:2104.02057), which the authors of RCG trained."""
encoder = dict(
    type='MoCoV3ViT', img_size=224,
    vit=dict(patch_size=16, embed_dim=1024, depth=24, num_heads=16),
    projector_hidden_dim=4096, projector_dim=256,
    checkpoint='{{$RCG_WEIGHTS:checkpoints}}/mocov3_vit_l.safetensors')
