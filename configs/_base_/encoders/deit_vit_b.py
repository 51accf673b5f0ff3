"""DeiT ViT-B/16 (arXiv:2012.12877): trained with labels; 1,000 logits."""
encoder = dict(
    type='DeiTViT', img_size=224,
    vit=dict(patch_size=16, embed_dim=768, depth=12, num_heads=12),
    num_classes=1000,
    checkpoint='{{$RCG_WEIGHTS:checkpoints}}/deit_vit_b.safetensors')
