"""Scores and their protocol for a person to read."""


def show(metrics: dict) -> None:
    """Print scores with their references, and the protocol in short."""
    protocol, extractors = metrics['protocol'], set()
    for name in (name for name in metrics if name != 'protocol'):
        parts = next((list(m.items()) for m in protocol['metrics']
                      if name in m['results']), [])
        against = [
            f'{part.get("name", key)} ({part.get("count") or "?"} '
            f'{part.get("kind")}, {str(part.get("sha256"))[:8]})'
            for key, part in parts if isinstance(part, dict)
            and key not in ('extractor', 'encoder')]
        print(f'{name:32}{metrics[name]:<12.6g}{", ".join(against)}')
        extractors.update(in_short(part) for key, part in parts
                          if key in ('extractor', 'encoder'))
    sampling = [f'{name}: {in_short(part)}'
                for name, part in protocol['sampling'].items()]
    for title, text in (
            ('extractors', '; '.join(sorted(extractors))),
            ('sampling', '; '.join(sampling)),
            ('images', f'{protocol["quantization"]}d to 8 bits; '
             + in_short(protocol['precision'])),
            *((title, in_short(protocol[title])) for title in (
                'samples', 'config', 'checkpoint', 'versions', 'run'))):
        print(f'  {title:12}{text}')


def in_short(part: dict) -> str:
    """One line of a dict; hashes are cut off."""
    return ', '.join(
        f'{name} {value:,}' if type(value) is int else f'{name} {value:.4g}'
        if isinstance(value, float) else f'{name} {value[:8]}'
        if name in ('sha256', 'commit') else f'{name} {value}'
        for name, value in part.items() if value not in (None, '', []))
