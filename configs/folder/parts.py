"""The images and the parts of RCG that the numbers of a preset describe."""
_base_ = '{{$RCG_PRESET:./small_64.py}}'

# Without random transforms: codes and representations are computed once.
_images = dict(
    type='ImageFolder', data_root=_base_._data_root, split='train',
    held_out=_base_._held_out_share, classes=_base_._classes,
    bits=_base_._bits, max_memory=_base_._max_memory, pipeline=[
        dict(type='Resize', size=_base_._size),
        dict(type='CenterCrop', size=_base_._size)])
_held_out = dict(_images, split='held_out')
_train_loader = dict(
    num_workers=_base_._num_workers,
    persistent_workers=_base_._num_workers > 0,
    dataset=_images,
    sampler=dict(type='StreamSampler'),
    collate_fn=dict(type='rcg.collate_batch'))
# As many held-out images as there are, in batches that do not depend on the
# processes.
_held_out_loader = dict(
    batch_size=100, num_workers=0, dataset=_held_out,
    sampler=dict(type='DefaultSampler', shuffle=False),
    batch_sampler=dict(type='SeedBatchSampler'),
    collate_fn=dict(type='rcg.collate_batch'))
_seed_loader = dict(_held_out_loader, dataset=dict(
    type='SeedDataset', num_images=_base_._num_images, seed=0))

encoder = dict(_base_._encoder)
if encoder['type'] == 'MoCoV3ViT':
    # The encoder resizes images to a multiple of its patches.
    _patch = _base_._size // _base_._patches
    encoder.update(img_size=_patch * _base_._patches,
                   vit=dict(encoder['vit'], patch_size=_patch))
_frozen_encoder = dict(encoder)
if _base_._encoder_is_trained:
    _frozen_encoder.update(checkpoint=f'{_base_._root}/encoder',
                           prefix='encoder.')

# Levels, of which each halves the sides, until about _grid are left.
_dim_mult = _base_._levels[:(_base_._size // _base_._grid).bit_length()]
_side = _base_._size // 2**(len(_dim_mult) - 1)  # tokens in each direction
tokenizer = dict(_base_._tokenizer, dim_mult=_dim_mult)
_frozen_tokenizer = dict(tokenizer, checkpoint=f'{_base_._root}/tokenizer',
                         prefix='tokenizer.')

rdm = dict(
    type='RDM',
    denoiser=dict(type='DenoisingMLP', rep_dim=_base_._rep_dim,
                  **_base_._rdm),
    diffusion=dict(type='GaussianDiffusion', parameterization='x0',
                   schedule='scaled_linear', beta_start=.0015,
                   beta_end=.0195),
    sampler=dict(type='DDIMSampler', num_steps=_base_._rdm_steps,
                 eta=_base_._rdm_eta))

# What may take the RDM's place: see docs/conditions.md. Files are written by
# tools/store_representations.py.
_rdm_flow = dict(
    diffusion=dict(_delete_=True, type='FlowMatching', parameterization='v'),
    sampler=dict(_delete_=True, type='EulerSampler', num_steps=50),
    checkpoint=f'{_base_._root}/rdm_flow')
_clusters = dict(
    type='StoredRepresentations', num=64, rep_dim=_base_._rep_dim,
    checkpoint=f'{_base_._root}/clusters.safetensors')
_cluster_condition = dict(
    _delete_=True, type='ClusterCondition', clusters=_clusters, drop_prob=.1)
_oracle = dict(
    _delete_=True, type='StoredRepresentations', num=_base_._num_stored,
    rep_dim=_base_._rep_dim,
    checkpoint=f'{_base_._root}/representations.safetensors')

# Untied head and wide embeddings: small models need them.
generator = dict(
    type='MAGE',
    network=dict(
        type='MAGEViT', num_codes=_base_._tokenizer.num_codes,
        num_tokens=_side**2,
        encoder=dict(dim=_base_._mage.dim, depth=_base_._mage.depth,
                     num_heads=_base_._mage.num_heads),
        decoder=dict(dim=_base_._mage.dim, depth=_base_._mage.decoder_depth,
                     num_heads=_base_._mage.num_heads),
        condition=dict(type='RepresentationCondition',
                       rep_dim=_base_._rep_dim, drop_prob=.1,
                       noise_std=_base_._noise),
        drop=_base_._mage.drop,
        embedding=dict(std=1., position_std=.5, tied_head=False),
        class_tokens=(1, 0)),
    num_steps=_base_._num_steps, temperature=_base_._temperature)

# JiT (arXiv:2511.13720): x0 is predicted, the loss is in v.
_pixel_generator = dict(
    type='DiffusionGenerator',
    network=dict(
        type='DiT', input_size=_base_._size,
        patch_size=_base_._size // _side, in_channels=3, learn_variance=False,
        dim=_base_._pixels.dim, depth=_base_._pixels.depth,
        num_heads=_base_._pixels.num_heads,
        condition=generator['network']['condition'],
        form=dict(rms_norm=True, swiglu=True, rotary=True, qk_norm=True,
                  bottleneck_dim=_base_._pixels.bottleneck_dim,
                  context_tokens=8,
                  context_start=_base_._pixels.context_start)),
    diffusion=dict(type='FlowMatching', parameterization='x0', loss_space='v',
                   times=dict(type='LogitNormalTimes',
                              mean=_base_._pixels.time_mean, std=.8)),
    sampler=dict(type='HeunFlowSampler', num_steps=_base_._pixels.num_steps))
