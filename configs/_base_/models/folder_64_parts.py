"""The parts of RCG for 64x64 images on one GPU, untrained."""
_base_ = './rdm_256.py'
encoder = dict(
    type='MoCoV3ViT', img_size=64,
    vit=dict(patch_size=8, embed_dim=384, depth=12, num_heads=6),
    projector_hidden_dim=2048, projector_dim=256)

# f = 8: 64 tokens of 1,024 codes.
tokenizer = dict(type='VQGAN', dim=64, dim_mult=(1, 2, 2, 4),
                 num_res_blocks=1, z_dim=32, num_codes=1024)

generator = dict(
    type='MAGE',
    network=dict(
        type='MAGEViT', num_codes=1024, num_tokens=64,
        encoder=dict(dim=384, depth=8, num_heads=6),
        decoder=dict(dim=384, depth=4, num_heads=6),
        condition=dict(type='RepresentationCondition', rep_dim=256,
                       drop_prob=.1),
        drop=.1, embedding=dict(std=1., position_std=.5, tied_head=False),
        class_tokens=(1, 0)),
    num_steps=16, temperature=3.)
