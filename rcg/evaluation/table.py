"""Scores and their protocol for a person to read."""

_EXTRACTORS = 'extractor', 'encoder'  # what a protocol calls them


def show(metrics: dict) -> None:
    """Print scores with their references, and the protocol in short."""
    protocol, extractors = metrics['protocol'], set()
    for name, score in metrics.items():
        if name == 'protocol':
            continue
        parts = _parts_of(name, protocol)
        against = ', '.join(_reference(key, part)
                            for key, part in parts.items()
                            if key not in _EXTRACTORS)
        print(f'{name:32}{score:<12.6g}{against}')
        extractors.update(in_short(part) for key, part in parts.items()
                          if key in _EXTRACTORS)
    lines = dict(
        extractors='; '.join(sorted(extractors)),
        sampling='; '.join(f'{name}: {in_short(part)}' for name, part in
                           protocol['sampling'].items()),
        images=f'{protocol["quantization"]}d to 8 bits; '
               + in_short(protocol['precision']))
    for title in ('samples', 'config', 'checkpoint', 'versions', 'run'):
        lines[title] = in_short(protocol[title])
    for title, text in lines.items():
        print(f'  {title:12}{text}')


def _parts_of(name: str, protocol: dict) -> dict[str, dict]:
    """Extractors and references of the metric that has a result."""
    for metric in protocol['metrics']:
        if name in metric['results']:
            return {key: part for key, part in metric.items()
                    if isinstance(part, dict)}
    return {}


def _reference(key: str, about: dict) -> str:
    return (f'{about.get("name", key)} ({about.get("count") or "?"} '
            f'{about.get("kind")}, {str(about.get("sha256"))[:8]})')


def in_short(part: dict) -> str:
    """One line of a dict; what is empty is left out."""
    return ', '.join(f'{name} {_value_in_short(name, value)}'
                     for name, value in part.items()
                     if value not in (None, '', []))


def _value_in_short(name: str, value) -> str:
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int):
        return f'{value:,}'
    if isinstance(value, float):
        return f'{value:.4g}'
    if name in ('sha256', 'commit'):
        return value[:8]
    return str(value)
