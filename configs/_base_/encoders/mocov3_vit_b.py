"""MoCo v3 ViT-B/16, 300 epochs (arXiv:2104.02057)."""
encoder = dict(
    type='MoCoV3ViT', img_size=224,
    vit=dict(patch_size=16, embed_dim=768, depth=12, num_heads=12),
    projector_hidden_dim=4096, projector_dim=256,
    checkpoint='{{$RCG_WEIGHTS:checkpoints}}/mocov3_vit_b.safetensors')
