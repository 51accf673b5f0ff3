"""Do the parts of an RCG fit together? Asked before the first step."""
from rcg.checkpoint import read_checkpoint


def check_parts(model) -> None:
    """See that all parts mean the same representations and codes.

    Raises:
        ValueError: The generator takes representations of another width than
            encoder or RDM give; its guide learned another tokenizer's codes.
    """
    generator = model.generator
    if generator.condition_kind == 'representation':
        wanted = generator.network.condition.rep_dim
        for name in ('encoder', 'rdm'):
            part = getattr(model, name)
            if part is not None and part.rep_dim != wanted:
                raise ValueError(
                    f'model.{name} gives representations of {part.rep_dim} '
                    f'values, the generator takes {wanted}; set '
                    'model.generator.network.condition.rep_dim.')
    if getattr(generator, 'guide', None) is not None:
        _check_guide(generator.guide.checkpoint, model.tokenizer.sha256)


def _check_guide(checkpoint: str, ours: str | None) -> None:
    meta = read_checkpoint(checkpoint).get('meta') or {}
    run = meta.get('run', {})
    theirs = run.get('frozen_parts', {}).get('tokenizer', {}).get('sha256')
    if ours and theirs and theirs != ours:
        raise ValueError(
            f"the guide '{checkpoint}' was trained on codes of the tokenizer "
            f'{theirs[:12]}, this model decodes with {ours[:12]} (SHA-256): '
            'guidance needs two networks over the same codes.')
