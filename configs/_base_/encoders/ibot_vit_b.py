"""iBOT ViT-B/16 (arXiv:2111.07832): the teacher of the full checkpoint."""
encoder = dict(
    type='DINOViT', img_size=224,
    vit=dict(patch_size=16, embed_dim=768, depth=12, num_heads=12),
    projector_hidden_dim=2048, projector_dim=256,
    checkpoint='{{$RCG_WEIGHTS:checkpoints}}/ibot_vit_b.safetensors')
