"""Sizes of JiT (arXiv:2511.13720), a DiT over patches of pixels."""
_form = dict(rms_norm=True, swiglu=True, rotary=True, qk_norm=True,
             bottleneck_dim=128, context_tokens=32)
_jit = dict(
    b=dict(dim=768, depth=12, num_heads=12,
           form=dict(_form, context_start=4)),
    l=dict(dim=1024, depth=24, num_heads=16,
           form=dict(_form, context_start=8)))
