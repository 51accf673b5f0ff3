"""Whether the scores of two runs can be compared, by their protocols."""
import dataclasses
import math

from rcg.files import read_json

# Keys of a protocol, or their prefixes. A difference in these makes every
# score incomparable, unless only one protocol has the key: images from
# elsewhere, for example, have no quantization.
INCOMPARABLE = ('samples.count', 'quantization')
IRRELEVANT = ('run', 'config.name')
# Names and places of something that has a hash do not count.
_PLACES = ('name', 'path', 'checkpoint', 'weights', 'weights_file',
           'weights_path')
Difference = tuple[str, object, object]  # dotted key, its value in a and in b


@dataclasses.dataclass
class Comparison:
    """Two runs, side by side.

    Attributes:
        scores: Values of every score in a and in b; None: it has none.
        reasons: For each score of both, what makes it incomparable.
        explanations: Other differences, which may explain why scores differ.
    """
    scores: dict[str, tuple[float | None, float | None]]
    reasons: dict[str, list[Difference]]
    explanations: list[Difference]

    @property
    def comparable(self) -> bool:
        """Whether there are common scores, and all can be compared."""
        return bool(self.reasons) and not any(self.reasons.values())


def compare_metrics(a: str, b: str) -> Comparison:
    """Compare two files that tools/test.py wrote.

    Scores that are not finite are never comparable: NaN says that something
    failed, not that two runs are alike.

    Raises:
        ValueError: A file is no such file, or has no protocol.
    """
    (scores_a, protocol_a), (scores_b, protocol_b) = _read(a), _read(b)
    general = [found for found in _differences(
        {k: v for k, v in protocol_a.items() if k != 'metrics'},
        {k: v for k, v in protocol_b.items() if k != 'metrics'})
        if not _is_below(found[0], IRRELEVANT)]
    grave = [found for found in general if _is_below(found[0], INCOMPARABLE)
             and None not in found]
    return Comparison(
        scores={name: (scores_a.get(name), scores_b.get(name))
                for name in sorted({*scores_a, *scores_b})},
        reasons={name: grave + _differences(_metric_of(protocol_a, name),
                                            _metric_of(protocol_b, name))
                 + _not_finite(scores_a[name], scores_b[name])
                 for name in scores_a if name in scores_b},
        explanations=[found for found in general if found not in grave])


def describe(found: Comparison) -> str:
    """The scores side by side, and then every difference."""
    lines = []
    for name, values in found.scores.items():
        texts = [f'{"-":14}' if value is None else f'{value:<14.8g}'
                 for value in values]
        verdict = ('only one has it' if name not in found.reasons else
                   'INCOMPARABLE' if found.reasons[name] else 'comparable')
        lines.append(f'{name:32}{"".join(texts)}{verdict}')
    affected: dict[str, list[str]] = {}
    for name, reasons in found.reasons.items():
        for reason in reasons:
            affected.setdefault(_versus(reason), []).append(name)
    lines += [f'incomparable  {text} ({", ".join(names)})'
              for text, names in affected.items()]
    lines += [f'explains      {_versus(item)}' for item in found.explanations]
    if not found.reasons:
        lines.append('incomparable  the files have no score in common')
    return '\n'.join(lines)


def _read(path: str) -> tuple[dict[str, float], dict]:
    """Scores and protocol."""
    try:
        content = read_json(path)
    except (OSError, ValueError) as error:
        raise ValueError(f"'{path}' is not a metrics.json: {error}") from error
    if 'protocol' not in content:
        raise ValueError(
            f"'{path}' carries no protocol, so nothing is known of its "
            'scores: make it with tools/test.py --out.')
    protocol = content.pop('protocol')
    wrong = [name for name, value in content.items()
             if not _is_number(value)]
    if wrong:
        raise ValueError(f"'{path}' is not a metrics.json: {wrong[0][:80]!r} "
                         'must be a number, got '
                         f'{str(content[wrong[0]])[:80]}')
    metrics = (protocol.get('metrics', []) if isinstance(protocol, dict)
               else None)
    if not (isinstance(metrics, list) and all(map(_is_metric, metrics))):
        raise ValueError(
            f"'{path}' is not a metrics.json: its protocol must be a dict "
            "whose 'metrics' are dicts with 'results', a list of names. Make "
            'it with tools/test.py --out.')
    return content, protocol


def _is_number(value) -> bool:
    if isinstance(value, int):  # formatted as a float, and too large for one?
        return not isinstance(value, bool) and abs(value) < 1 << 64
    return isinstance(value, float)


def _is_metric(value) -> bool:
    return (isinstance(value, dict)
            and isinstance(value.get('results'), list)
            and all(isinstance(name, str) for name in value['results']))


def _not_finite(a: float, b: float) -> list[Difference]:
    """A reason if one of two scores is NaN or infinite."""
    if math.isfinite(a) and math.isfinite(b):
        return []
    return [('not finite', a, b)]


def _flatten(value, path: str = '') -> dict[str, object]:
    """Values by dotted key, without places of what has a hash."""
    if not isinstance(value, dict):
        return {path: value}
    hashed, flat = value.get('sha256') is not None, {}
    for key, item in value.items():
        if hashed and isinstance(item, str) and key in _PLACES:
            continue
        flat.update(_flatten(item, f'{path}.{key}' if path else key))
    return flat


def _differences(a: dict, b: dict) -> list[Difference]:
    a, b = _flatten(a), _flatten(b)
    return [(key, a.get(key), b.get(key)) for key in sorted({*a, *b})
            if a.get(key) != b.get(key)]


def _metric_of(protocol: dict, name: str) -> dict:
    """How one score was computed."""
    metric = next((m for m in protocol.get('metrics', ())
                   if name in m['results']), {})
    return {key: value for key, value in metric.items()
            if key not in ('results', 'name')}


def _is_below(key: str, places: tuple[str, ...]) -> bool:
    return any(key == place or key.startswith(place + '.')
               for place in places)


def _versus(found: Difference) -> str:
    key, *values = found
    short = [str(value)[:12] if key.endswith(('sha256', 'commit'))
             else str(value) for value in values]
    return f'{key}: {" against ".join(short)}'
