"""Discrete latent codes (DLC, arXiv:2507.12318) as representations of RCG."""
from .condition import CodeCondition
from .diffuser import CodeDiffuser
from .encoder import PrefixTokens, SimplicialEncoder
from .process import AbsorbingDiffusion
from .sampler import UnmaskingSampler
from .score import ScoreEntropyDiffusion, ScoreTransformer
from .score_sampler import ScoreSampler
from .transformer import CodeTransformer

__all__ = [
    'AbsorbingDiffusion', 'CodeCondition', 'CodeDiffuser', 'CodeTransformer',
    'PrefixTokens', 'ScoreEntropyDiffusion', 'ScoreSampler',
    'ScoreTransformer', 'SimplicialEncoder', 'UnmaskingSampler'
]
