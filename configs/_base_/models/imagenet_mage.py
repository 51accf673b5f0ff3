"""MAGE-B on ImageNet, conditioned on representations."""
generator = dict(
    type='MAGE',
    network=dict(
        type='MAGEViT', num_codes=1024, num_tokens=256,
        encoder=dict(dim=768, depth=12, num_heads=12),
        decoder=dict(dim=768, depth=8, num_heads=16),
        condition=dict(type='RepresentationCondition', rep_dim=256,
                       drop_prob=.1),
        drop=.1),
    # One ratio for the batch of a process, as published. per='image' draws
    # one for each image: the same gradient on average, with less noise.
    mask_ratio=dict(mean=.75, std=.25, low=.5, high=1., per='batch'),
    label_smoothing=.1, num_steps=20, temperature=6.,
    guidance_scale=1. + 1.)  # the published cfg is 1.0, off at 0; w is 1
