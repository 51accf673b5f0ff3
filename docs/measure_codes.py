"""Count the codes that flip under autocast: python docs/measure_codes.py

Needs the tokenizer of the quick start. docs/mmengine.md has the results.
"""
import torch

from rcg.checkpoint import find_checkpoint, load_weights
from rcg.datasets import Digits
from rcg.engine import load_config
from rcg.registry import TOKENIZERS

cfg = load_config('configs/digits/tokenizer.py')
tokenizer = TOKENIZERS.build(cfg.tokenizer).eval()
load_weights(tokenizer, find_checkpoint(f'{cfg._root}/tokenizer'),
             'tokenizer.')
data = Digits('train')
images = torch.stack([torch.as_tensor(data[i]['images'])
                      for i in range(len(data))]).float() / 127.5 - 1


@torch.no_grad()
def codes(dtype):
    with torch.autocast('cpu', dtype, enabled=dtype != torch.float32):
        return torch.cat([tokenizer.encode(x) for x in images.split(128)])


exact = codes(torch.float32)
for dtype in (torch.bfloat16, torch.float16):
    flipped = codes(dtype) != exact
    print(dtype, flipped.float().mean(), flipped.any(1).float().mean())
