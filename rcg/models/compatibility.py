"""Whether the parts of an RCG fit together, checked when it is built."""


def check_parts(model) -> None:
    """Check that all parts mean the same representations and codes.

    Args:
        model: An :class:`~rcg.models.rcg.RCG` that has all its parts.

    Raises:
        ValueError: The generator takes representations of another width than
            the encoder or the RDM gives, or its guide was trained on the
            codes of another tokenizer.
    """
    generator = model.generator
    if generator.condition_kind == 'representation':
        wanted = generator.network.condition_embed.rep_dim
        for name in ('encoder', 'rdm'):
            part = getattr(model, name)
            if part is not None and part.rep_dim != wanted:
                raise ValueError(
                    f'model.{name} gives representations of {part.rep_dim} '
                    f'values, the generator takes {wanted}; set '
                    'model.generator.network.condition.rep_dim.')
    if getattr(generator, 'guide', None) is not None:
        _check_guide(generator.guide, model.tokenizer)


def _check_guide(guide, tokenizer) -> None:
    """Compare the guide's tokenizer with ours; one without hash may be any."""
    trained_with = guide.run.get('frozen_parts', {})
    theirs = trained_with.get('tokenizer', {}).get('sha256')
    # Hashed only if there is something to compare.
    ours = tokenizer.sha256 if theirs else None
    if ours and theirs != ours:
        raise ValueError(
            f"the guide '{guide.checkpoint}' was trained on codes of the "
            f'tokenizer {theirs[:12]}, this model decodes with {ours[:12]} '
            '(SHA-256): guidance needs two networks over the same codes.')
