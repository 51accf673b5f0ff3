"""Whether the parts of an RCG fit together, checked when it is built."""


def check_parts(model) -> None:
    """Check that all parts mean the same representations and codes.

    Args:
        model: An :class:`~rcg.models.rcg.RCG` that has all its parts.

    Raises:
        ValueError: The generator takes representations of another width, or
            of other codes, than the encoder or the RDM gives, or its guide
            was trained on the codes of another tokenizer.
    """
    generator = model.generator
    if generator.condition_kind == 'representation':
        layer = generator.network.condition_embed
        for name in ('encoder', 'rdm'):
            part = getattr(model, name)
            if part is None:
                continue
            if part.rep_dim != layer.rep_dim:
                raise ValueError(
                    f'model.{name} gives representations of {part.rep_dim} '
                    f'values, the generator takes {layer.rep_dim}; set '
                    'model.generator.network.condition.rep_dim.')
            check_codes(part, layer, f'model.{name}', 'the generator')
    if getattr(generator, 'guide', None) is not None:
        _check_guide(generator.guide, model.tokenizer)


def check_codes(giver, taker, giver_name: str, taker_name: str) -> None:
    """Check that two parts mean the same values of a representation.

    Args:
        giver, taker: Parts; ``rep_codes`` says how many codes a value is one
            of. Without it, values are real numbers.
        giver_name, taker_name: How a message calls them.

    Raises:
        ValueError: They do not.
    """
    given, wanted = (getattr(part, 'rep_codes', None)
                     for part in (giver, taker))
    if given != wanted:
        raise ValueError(
            f'{giver_name} gives representations of {_values(given)}, '
            f'{taker_name} takes {_values(wanted)}; give it a condition or '
            'network of these.')


def _values(num_codes: int | None) -> str:
    return 'real numbers' if num_codes is None else f'ids of {num_codes} codes'


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
