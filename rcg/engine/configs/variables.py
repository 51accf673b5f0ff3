"""Variables in the text of configs, ``{{$NAME:default}}``, read as values.

MMEngine pastes values into the text before it runs it. There, a quote in a
path is a syntax error, and a crafted value is code. Here, a value becomes a
literal: in a string its characters are escaped, elsewhere it has to be a
number, a string, a list or the like.
"""
import ast
import os
import re
from collections.abc import Callable
from pathlib import Path

from mmengine.logging import print_log

# A reference, in a string or bare. MMEngine also takes {{'$NAME:default'}}.
_VARIABLE = re.compile(
    r"""\{\{['"]?\s*\$(?P<name>\w+)\s*:\s*(?P<default>.*?)\s*['"]?\}\}""")
_PREDEFINED = re.compile(r'\{\{\s*(?P<name>fileDirname|fileBasename|'
                         r'fileBasenameNoExtension|fileExtname)\s*\}\}')
# What a reference becomes while the text around it is examined.
_MARK = re.compile(r'rcg_variable_(\d+)_mark')
# Comments and strings of Python source.
_TOKEN = re.compile(
    r'''\#[^\n]*|
    (?P<prefix>\b[rbfuRBFU]{1,2})?(?P<quote>\'\'\'|"""|'|")
    (?P<body>(?:\\.|(?!(?P=quote)).)*)(?P=quote)''', re.DOTALL | re.VERBOSE)
# Values that YAML and JSON may read as numbers; they can end no string.
_PLAIN = re.compile(r'[A-Za-z0-9_./+-]+')
_ENCODED = re.compile(r'rcg_value_((?:[0-9a-f]{2})*)_end')


def set_predefined(path: str, out: str) -> None:
    """Write a config with ``{{ fileDirname }}`` and the like filled in.

    Args:
        path: A config, .py, .json or .yaml.
        out: File for the result.

    Raises:
        ValueError: A value that stands outside of a string is no literal.
    """
    base = os.path.basename(path)
    stem, extension = os.path.splitext(base)
    values = dict(fileDirname=os.path.dirname(path), fileBasename=base,
                  fileBasenameNoExtension=stem, fileExtname=extension)
    _substitute(path, out, _PREDEFINED,
                lambda match: (values[match['name']], False))


def set_environment(path: str, out: str) -> dict[str, str]:
    """Write a config with ``{{$NAME:default}}`` filled in.

    Args:
        path: A config, .py, .json or .yaml.
        out: File for the result; it may be the same.

    Returns:
        The environment variables that were used, by name.

    Raises:
        KeyError: A variable has no value and no default.
        ValueError: A value that stands outside of a string is no literal.
    """
    used = {}

    def value_of(match: re.Match) -> tuple[str, bool]:
        name, value = match['name'], os.environ.get(match['name'])
        if not (match['default'] if value is None else value):
            raise KeyError(
                f'the config reads the environment variable {name}, which is '
                + ('not set' if value is None else 'empty')
                + f': set it ({name}=... before the command), or give a '
                'default in the config.')
        if value is None:
            return match['default'], True
        if name not in used:
            print_log(f'{name}={value!r} of the environment is in use',
                      logger='current')
        used[name] = value
        return value, False

    _substitute(path, out, _VARIABLE, value_of)
    return used


def decoded(value):
    """Values of YAML and JSON configs whose text held encoded ones."""
    if isinstance(value, str):
        return _ENCODED.sub(
            lambda match: os.fsdecode(bytes.fromhex(match[1])), value)
    return _mapped(decoded, value)


def encodable(value):
    """Content whose strings can be names of files in the current locale.

    Where file names are ASCII (``LC_ALL=C PYTHONUTF8=0``), other characters
    take the form that Python gives them when it lists a folder.
    """
    if isinstance(value, str):
        try:
            os.fsencode(value)
        except UnicodeEncodeError:
            return os.fsdecode(value.encode(errors='surrogateescape'))
        return value
    return _mapped(encodable, value)


def _mapped(function: Callable, value):
    """A container with a function applied to what is in it."""
    if isinstance(value, dict):
        return type(value)({function(key): function(inner)
                            for key, inner in value.items()})
    if type(value) in (list, tuple):
        return type(value)(map(function, value))
    return value


def _substitute(path: str, out: str, pattern: re.Pattern,
                value_of: Callable[[re.Match], tuple[str, bool]]) -> None:
    """Replace what a pattern finds.

    Args:
        value_of: Gives the text for a match, and whether the config's author
            wrote it: a default is source like the rest of the file.
    """
    text = Path(path).read_text(encoding='utf-8')
    matches = []

    def mark(match: re.Match) -> str:
        matches.append(match)
        return f'rcg_variable_{len(matches) - 1}_mark'

    marked = pattern.sub(mark, text)
    if out.endswith('.py'):
        text = _in_python(marked, matches, value_of)
    else:
        text = _MARK.sub(lambda mark: _in_data(
            *value_of(matches[int(mark[1])])), marked)
    with open(out, 'w', encoding='utf-8') as file:
        file.write(text)


def _in_data(value: str, is_source: bool) -> str:
    """A value in JSON or YAML, decoded again when the file was read."""
    if is_source or _PLAIN.fullmatch(value):
        return value
    return f'rcg_value_{os.fsencode(value).hex()}_end'


def _in_python(marked: str, matches: list[re.Match],
               value_of: Callable[[re.Match], tuple[str, bool]]) -> str:
    """Python source with marks replaced: in strings, then elsewhere."""

    def bare(mark: re.Match) -> str:
        match = matches[int(mark[1])]
        value, is_source = value_of(match)
        return value if is_source else _literal(value, match['name'])

    def in_token(token: re.Match) -> str:
        if not _MARK.search(token[0]):
            return token[0]
        if token['quote'] is None:  # a comment stays as it was written
            return _MARK.sub(lambda mark: matches[int(mark[1])][0], token[0])
        return _in_string(token, matches, value_of)

    parts, end = [], 0
    for token in _TOKEN.finditer(marked):
        parts += [_MARK.sub(bare, marked[end:token.start()]), in_token(token)]
        end = token.end()
    return ''.join(parts) + _MARK.sub(bare, marked[end:])


def _in_string(token: re.Match, matches: list[re.Match],
               value_of: Callable[[re.Match], tuple[str, bool]]) -> str:
    """A string's source with its marks replaced by escaped values."""
    prefix, quote, body = token['prefix'] or '', token['quote'], token['body']
    escape = _escaped_bytes if 'b' in prefix.lower() else _escaped

    def inner(mark: re.Match) -> str:
        value, is_source = value_of(matches[int(mark[1])])
        if is_source and not is_raw:
            return value
        return escape(value)

    is_raw = 'r' in prefix.lower()
    if is_raw:  # it would keep the escapes as they are
        prefix = re.sub('[rR]', '', prefix)
        body = re.sub(r'\\(.)', _without_raw, body, flags=re.DOTALL)
    return f'{prefix}{quote}{_MARK.sub(inner, body)}{quote}'


def _without_raw(match: re.Match) -> str:
    """A backslash of a raw string, and the character after it, escaped."""
    if match[1] == '\n':
        return r'\\\n'
    return '\\\\' + ('\\' + match[1] if match[1] in '\\\'"' else match[1])


def _escaped(value: str) -> str:
    """Characters as the source of a string; only letters and digits stay."""
    return ''.join(
        char if char.isascii() and char.isalnum() else
        f'\\u{ord(char):04x}' if ord(char) < 1 << 16 else
        f'\\U{ord(char):08x}' for char in value)


def _escaped_bytes(value: str) -> str:
    """A value as the source of bytes."""
    return ''.join(f'\\x{byte:02x}' for byte in os.fsencode(value))


def _literal(value: str, name: str) -> str:
    """A value that stands outside of a string, as source.

    Raises:
        ValueError: It is no literal.
    """
    try:
        source = repr(ast.literal_eval(value.strip()))
    except (ValueError, SyntaxError, TypeError, MemoryError,
            RecursionError) as error:
        raise ValueError(
            f'the config reads {name} outside of quotes, where its value '
            'must be a number, True, False, None, or a string, list, tuple '
            f'or dict of these; it is {value!r}. To read it as text, write '
            "'{{$" + name + ":default}}' in the config.") from error
    return without_variables(source)


def without_variables(source: str) -> str:
    """Literals in which ``{{`` is text, and no reference to a variable.

    Args:
        source: Python source without raw strings.
    """
    return _TOKEN.sub(
        lambda token: token[0].replace('{{', r'{\x7b'), source)
