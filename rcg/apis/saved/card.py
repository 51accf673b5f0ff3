"""The model card: README.md of a saved folder."""
from pathlib import Path

from rcg.apis.saved.content import CARD
from rcg.checkpoint import open_atomically
from rcg.registry import type_name

_CARD = """---
license: {license}
library_name: rcg
tags:
- representation-conditioned-generation
- image-generation
---

# {title}

A model of [RCG](https://arxiv.org/abs/2312.03701), Representation-Conditioned
image Generation. {method}

```python
from rcg.apis import RCGInferencer
rcg = RCGInferencer.from_pretrained('{name}')
rcg.sample(1, seed=0)[0].save('image.png')
```

Nothing in this folder is executed when it is loaded: `rcg.json` is data, the
weights are safetensors files, and the size and hash of each are compared.
{modules}
## Parts

| part | type | file | MB | SHA-256 |
|---|---|---|---|---|
{parts}

{scores}
## License

{terms}
"""


def write_card(folder: Path, title: str, index: dict,
               metrics: dict | None) -> None:
    """Write the card; arguments are those of ``save_model``."""
    model = index['model']
    parts = {'generator': model['generator']} | {
        name: model[name] for name in ('rdm', 'encoder', 'tokenizer')
        if model.get(name)}
    lines = []
    for name, part in parts.items():
        told = index['files'].get(f'{name}.safetensors')
        if told:
            lines.append(f'| {name} | {type_name(part)} | {name}.safetensors '
                         f'| {told["bytes"] / 1e6:.1f} '
                         f'| `{told["sha256"]}` |')
    modules = ''.join(f'- `{_text(name)}`\n' for name in index['modules'])
    terms = ('See `LICENSE`.' if index['license'] == 'other' else
             'None was named: ask the author before you use it.'
             if index['license'] == 'unknown' else index['license'])
    text = _CARD.format(
        license=index['license'], title=_text(title), name=_text(title),
        method=_method(model), parts='\n'.join(lines), terms=terms,
        scores=_scores(metrics), modules=modules and (
            f'\nImport these modules before, if you trust them:\n\n{modules}'))
    with open_atomically(str(folder / CARD)) as file:
        file.write(text.encode())


def _method(model: dict) -> str:
    if model.get('rdm'):
        return ('It draws a representation, then an image of it. No label '
                'is needed.')
    return 'It is a baseline that draws without representations.'


def _scores(metrics: dict | None) -> str:
    """Scores and the protocol that they were measured by."""
    if metrics is None:
        return '## Scores\n\nNone were measured.\n'
    protocol = metrics.get('protocol') or {}
    rows = [f'| {_text(name)} | {value:.4g} |'
            for name, value in metrics.items()
            if isinstance(value, (int, float))]
    return '\n'.join(['## Scores', '', '| metric | value |', '|---|---|',
                      *rows, '', *_protocol(protocol), ''])


def _protocol(protocol: dict) -> list[str]:
    samples = protocol.get('samples') or {}
    sampling = (protocol.get('sampling') or {}).get('generator') or {}
    lines = [
        'Protocol (all of it is in `metrics.json`):', '',
        f'- {samples.get("count")} samples, seed {samples.get("seed")}, '
        f'quantization {protocol.get("quantization")}',
        '- generator: ' + ', '.join(
            f'{name} {value}' for name, value in sampling.items()
            if name != 'type')]
    for metric in protocol.get('metrics') or ():
        reference = metric.get('reference') or {}
        extractor = metric.get('extractor') or {}
        about = [f'{" and ".join(metric.get("results") or ())}: '
                 f'{metric.get("type")}']
        if extractor:
            about.append(f'features of {extractor.get("type")} '
                         f'({str(extractor.get("sha256"))[:12]})')
        if reference:
            about.append(f'against {reference.get("count")} images, '
                         f'{reference.get("name")} '
                         f'({str(reference.get("sha256"))[:12]})')
        lines.append('- ' + _text(', '.join(about)))
    return lines


def _text(text) -> str:
    """A text that is no markup in a table and no code."""
    return ''.join(letter for letter in str(text) if letter.isprintable()
                   and letter not in '|`<>[]\'"\\')[:300]

