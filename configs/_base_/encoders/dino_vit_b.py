"""DINO ViT-B/16 (arXiv:2104.14294): the teacher of the full checkpoint."""
encoder = dict(
    type='DINOViT', img_size=224,
    vit=dict(patch_size=16, embed_dim=768, depth=12, num_heads=12),
    projector_hidden_dim=2048, projector_dim=256,
    checkpoint='{{$RCG_WEIGHTS:checkpoints}}/dino_vit_b.safetensors')
