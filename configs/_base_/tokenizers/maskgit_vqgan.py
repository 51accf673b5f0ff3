"""The MaskGIT-style VQGAN that MAGE uses: f = 16, 1,024 codes.

256x256 pixels are 16x16 token ids. 54.5 M parameters. The checkpoint is the
published file, converted; docs/model_zoo.md says from where and how.
"""
tokenizer = dict(
    type='VQGAN', dim=128, dim_mult=(1, 1, 2, 2, 4), num_res_blocks=2,
    z_dim=256, num_codes=1024,
    checkpoint='{{$RCG_WEIGHTS:checkpoints}}/maskgit_vqgan.safetensors')
