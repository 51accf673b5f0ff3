"""Tell whether scores of two runs can be compared, and show them.

    python tools/compare_metrics.py A.json B.json

Two files of tools/test.py --out. Prints the scores side by side, then every
difference of their protocols: some make a score incomparable (another
reference, extractor, number of images, quantization ...), others explain why
scores differ (guidance, checkpoint ...). The exit status is 1 if a score that
both have is incomparable.
"""
import argparse
import json
import sys

# What a difference means, by the beginning of its dotted key. What only one
# protocol knows (quantization of images from elsewhere) condemns nothing.
INCOMPARABLE = ('samples.count', 'quantization')
IRRELEVANT = ('run', 'config.name')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('a', help='metrics.json of one run')
    parser.add_argument('b', help='and of another one')
    return parser.parse_args()


def read(path: str) -> tuple[dict, dict]:
    """Scores and protocol."""
    try:
        with open(path) as file:
            content = json.load(file)
        protocol = content.pop('protocol')
    except (OSError, ValueError, AttributeError) as error:
        sys.exit(f"error: '{path}' is no metrics.json: {error}")
    except KeyError:
        sys.exit(f"error: '{path}' carries no protocol, so nothing is known "
                 'of its scores: make it with tools/test.py --out.')
    return content, protocol


def flatten(value, path: str = '') -> dict:
    """Dotted keys; where something has a hash, its name and place go."""
    if not isinstance(value, dict):
        return {path: value}
    hashed, flat = value.get('sha256') is not None, {}
    for key, item in value.items():
        if hashed and isinstance(item, str) and key in (
                'name', 'path', 'checkpoint', 'weights', 'weights_file',
                'weights_path'):
            continue
        flat.update(flatten(item, f'{path}.{key}' if path else key))
    return flat


def differences(a: dict, b: dict) -> list[tuple[str, object, object]]:
    a, b = flatten(a), flatten(b)
    return [(key, a.get(key), b.get(key)) for key in sorted({*a, *b})
            if a.get(key) != b.get(key)]


def metric_of(protocol: dict, name: str) -> dict:
    """How one score was computed."""
    metric = next((m for m in protocol.get('metrics', ())
                   if name in m['results']), {})
    return {key: value for key, value in metric.items()
            if key not in ('results', 'name')}


def is_below(key: str, places: tuple[str, ...]) -> bool:
    return any(key == place or key.startswith(place + '.')
               for place in places)


def report(a: tuple[dict, dict], b: tuple[dict, dict]) -> bool:
    """Print all; return whether what both have can be compared."""
    (scores_a, about_a), (scores_b, about_b) = a, b
    general = [found for found in differences(
        {k: v for k, v in about_a.items() if k != 'metrics'},
        {k: v for k, v in about_b.items() if k != 'metrics'})
        if not is_below(found[0], IRRELEVANT)]
    grave = [found for found in general if is_below(found[0], INCOMPARABLE)
             and None not in found]
    reasons = {name: grave + differences(metric_of(about_a, name),
                                         metric_of(about_b, name))
               for name in scores_a if name in scores_b}
    for name in sorted({*scores_a, *scores_b}):
        values = [f'{scores[name]:<14.8g}' if name in scores else f'{"-":14}'
                  for scores in (scores_a, scores_b)]
        verdict = ('only one has it' if name not in reasons else
                   'INCOMPARABLE' if reasons[name] else 'comparable')
        print(f'{name:32}{"".join(values)}{verdict}')
    wrong: dict[str, list[str]] = {}
    for name, found in reasons.items():
        for item in found:
            wrong.setdefault(f'{item[0]}: {_versus(item)}', []).append(name)
    for text, names in wrong.items():
        print(f'incomparable  {text} ({", ".join(names)})')
    for found in general:
        if found not in grave:
            print(f'explains      {found[0]}: {_versus(found)}')
    if not reasons:
        print('incomparable  the files have no score in common')
    return bool(reasons) and not wrong


def _versus(found: tuple) -> str:
    short = [str(value)[:12] if found[0].endswith(('sha256', 'commit'))
             else str(value) for value in found[1:]]
    return ' against '.join(short)


def main() -> None:
    args = parse_args()
    sys.exit(0 if report(read(args.a), read(args.b)) else 1)


if __name__ == '__main__':
    main()
