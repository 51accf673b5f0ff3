"""What the pages say holds: links, commands, Python, error messages.

A block of commands or Python that cannot run here has a comment in HTML before
it that says why: ``<!-- needs a GPU -->``, ``<!-- needs a download -->``,
``<!-- needs Slurm -->``, ``<!-- not run: reason -->``. Its commands are parsed
all the same.
"""
import ast
import importlib.util
import re
import shlex
from pathlib import Path

import pytest

from rcg.engine import load_config

ROOT = Path(__file__).parents[2]
PAGES = sorted(path for path in [
    ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', ROOT / 'CHANGELOG.md',
    *(ROOT / 'docs').rglob('*.md'), *(ROOT / 'configs').rglob('*.md'),
    *(ROOT / 'projects').rglob('*.md')])
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text('utf-8')
         for path in PAGES}
BLOCK = re.compile(r'(?:<!-- (.*?) -->\n)?^( *)```(\w+)\n(.*?)^ *```$',
                   re.DOTALL | re.MULTILINE)
MARKS = ('needs a GPU', 'needs a download', 'needs Slurm', 'not run: ')
# Followed by tests of their own, in test_docs and test_projects.
FOLLOWED = {'docs/extend.md', 'docs/python.md', 'projects/README.md'}


def blocks(page, language):
    """Mark and content of each block of a page."""
    for mark, indent, kind, content in BLOCK.findall(TEXTS[page]):
        if kind == language:
            yield mark, re.sub(f'^{indent}', '', content, flags=re.MULTILINE)


def test_the_readme_is_short():
    assert len(TEXTS['README.md'].splitlines()) <= 150


def slugs(text):
    """Anchors of the headings of a page, as GitHub makes them."""
    text = re.sub(r'^```.*?^```$', '', text, flags=re.DOTALL | re.MULTILINE)
    return {re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-')
            for heading in re.findall(r'^#+ (.+)$', text, re.MULTILINE)}


def test_links_lead_somewhere():
    wrong = []
    for page, text in TEXTS.items():
        text = re.sub(r'^ *```.*?^ *```$', '', text,
                      flags=re.DOTALL | re.MULTILINE)
        for target in re.findall(r'\]\(([^)\s]+)\)', text):
            path, _, anchor = target.partition('#')
            if path.startswith(('http:', 'https:')):
                continue
            file = (ROOT / page).parent / path if path else ROOT / page
            if not file.exists() or (
                    anchor and anchor not in slugs(file.read_text('utf-8'))):
                wrong.append(f'{page}: {target}')
    assert not wrong


def test_lists_follow_an_empty_line():
    """The site's Markdown would take them for more of the paragraph."""
    wrong = []
    for page, text in TEXTS.items():
        text = re.sub(r'^ *```.*?^ *```$', '', text,
                      flags=re.DOTALL | re.MULTILINE)
        lines = text.splitlines()
        for above, line in zip(lines, lines[1:], strict=False):
            if re.match(r'(-|\d+\.) ', line) and above.strip() and not (
                    re.match(r'(-|\d+\.) |  ', above)):
                wrong.append(f'{page}: {line}')
    assert not wrong


def test_marks_are_known():
    unknown = [(page, mark) for page, text in TEXTS.items()
               for mark, *_ in BLOCK.findall(text)
               if mark and not mark.startswith(MARKS)]
    assert not unknown


def test_languages_are_known():
    """Commands and Python by another name would not be run."""
    unknown = [(page, kind) for page, text in TEXTS.items()
               for _, _, kind, _ in BLOCK.findall(text)
               if kind not in ('bash', 'python', 'py', 'text')]
    assert not unknown


def commands(text):
    """The simple commands of a block, as lists of words."""
    text = re.sub(r'\\\n\s*', ' ', text)
    for line in text.splitlines():
        words = shlex.split(re.sub(r'^\s*(do |for .*; do$|done$)', '', line),
                            comments=True)
        while words and re.fullmatch(r'\w+=.*', words[0], re.DOTALL):
            words.pop(0)
        if words and words[0] != 'export':
            yield [word for given in words for word in expanded(given)]


def expanded(word):
    """The words that bash makes of one with braces, {a,b}; JSON stays."""
    found = re.search(r'(?<!\$)\{([^{}"\s]*,[^{}"\s]*)\}', word)
    if found is None:
        return [word]
    return [end for choice in found[1].split(',') for end in expanded(
        word[:found.start()] + choice + word[found.end():])]


def test_braces_are_expanded_as_bash_does():
    assert expanded('a_{b,c}{,_d}.py') == [
        'a_b.py', 'a_b_d.py', 'a_c.py', 'a_c_d.py']
    for word in ('{root}/a', '${A,b}', '{"a": 1, "b": 2}', 'dict(a={1, 2})'):
        assert expanded(word) == [word]


def inline_commands(text):
    """Commands within sentences and tables that are given in full."""
    text = re.sub(r'^ *```.*?^ *```$', '', text,
                  flags=re.DOTALL | re.MULTILINE)
    for code in re.findall(r'`((?:python|bash|tools/)[^`]+)`', text):
        code = ' '.join(code.split())
        if ' ' in code and not re.search(r'[\[;]|\.\.\.|\*', code):
            program = 'bash ' if '.sh ' in code else 'python '
            yield shlex.split(
                program * code.startswith('tools/') + code)


def arguments_of_pages(module):
    """Arguments of each command of a page that runs a module of ours."""
    found = []
    for page, page_text in TEXTS.items():
        lines = [words for _, text in blocks(page, 'bash')
                 for words in commands(text)]
        for words in [*lines, *inline_commands(page_text)]:
            if words[1:3] == ['-m', module]:
                args = words[3:]
                if '--work-dir' in args:  # a test has its own
                    at = args.index('--work-dir')
                    del args[at:at + 2]
                found.append(args)
    return found


# Shell scripts that hand their arguments on: to which tool, in which order.
HANDED_ON = {
    'dist_train.sh': ('train', lambda a: [a[0], *a[2:]]),
    'dist_test.sh': ('test', lambda a: [a[0], a[1], *a[3:]]),
    'dist_cache_features.sh': ('cache_features', lambda a: [a[0], *a[2:]]),
    'slurm_train.sh': ('train', lambda a: a[2:]),
    'slurm_test.sh': ('test', lambda a: a[2:])}


def check_command(words):
    """Parse a command by its own parser; raises what is wrong."""
    words = [re.sub(r'^\$RCG/', '', word) for word in words]
    program, *rest = words
    if program not in ('python', 'bash', 'torchrun'):
        assert program in ('pip', 'docker', 'tensorboard', 'sbatch', 'git',
                           '.venv/bin/ruff'), f'unknown program {program}'
        return
    script = next((word for word in rest if word.endswith(('.py', '.sh'))
                   or word == '.ci/run'), None)
    if rest[:1] == ['-m']:
        name = rest[1]
        assert importlib.util.find_spec(name), name
        args = rest[2:]
        if name.startswith('rcg.projects.') and name.count('.') == 2:
            parse(f'{name}.__main__', args)
        return
    assert script and (ROOT / script).is_file(), f'no file {script}'
    for word in rest:
        if word.startswith(('configs/', 'projects/')) and '$' not in word:
            assert (ROOT / word).exists() or word in NAMED or (
                Path(word).stem.isupper()), word  # NAME.py stands for any
    args, name = rest[rest.index(script) + 1:], Path(script).name
    if name == 'quickstart.sh':
        parse('rcg.projects.quickstart.__main__', args)
    elif name in HANDED_ON:
        tool, order = HANDED_ON[name]
        parse(f'tools.{tool}', order(args))
    elif script.startswith('tools/') and name.endswith('.py'):
        parse(f'tools.{name.removesuffix(".py")}', args)


# Files that a page tells to write.
NAMED = {name for text in TEXTS.values()
         for name in re.findall(r'```python\n# (\S+\.py)\n', text)}


def parse(module, args):
    if not importlib.util.find_spec(module):
        raise AssertionError(f'no {module}')
    # N and the like stand for a number.
    importlib.import_module(module).parse_args(
        ['1' if re.fullmatch('[A-Z]', arg) else arg for arg in args])


@pytest.mark.parametrize('page', TEXTS)
def test_commands_are_accepted(page, capsys):
    """Each tool is there and accepts the arguments, by its own parser."""
    wrong = []
    found = [words for _, text in blocks(page, 'bash')
             for words in commands(text)]
    for words in [*found, *inline_commands(TEXTS[page])]:
        try:
            check_command(words)
        except (SystemExit, AssertionError, IndexError) as error:
            wrong.append(f'{shlex.join(words)}: {error} '
                         f'{capsys.readouterr().err.splitlines()[-1:]}')
    assert not wrong, '\n'.join(wrong)


@pytest.mark.parametrize('page', [page for page in TEXTS if any(
    blocks(page, 'python')) and page not in FOLLOWED])
def test_python_runs(page, digits_root, tmp_path, monkeypatch):
    """Configs are read, other code is executed, on untrained models."""
    (tmp_path / 'work_dirs').mkdir()
    (tmp_path / 'work_dirs/quickstart').symlink_to(digits_root)
    monkeypatch.chdir(tmp_path)
    names = {}
    for i, (mark, code) in enumerate(blocks(page, 'python')):
        if mark:
            ast.parse(code)
        elif page != 'README.md' and code in TEXTS['README.md']:
            continue
        elif '_base_ =' in code:
            path = tmp_path / f'config_{i}.py'
            path.write_text(code, 'utf-8')
            load_config(path)
        else:
            exec(compile(code, f'{page}, block {i}', 'exec'), names)


def texts_of_code():
    """Texts in the code, with a zero byte for each value put into them."""
    for path in [*(ROOT / 'rcg').rglob('*.py'),
                 *(ROOT / 'tools').glob('*.py')]:
        for node in ast.walk(ast.parse(path.read_text('utf-8'))):
            if isinstance(node, ast.JoinedStr):
                yield ''.join(part.value if isinstance(part, ast.Constant)
                              else '\0' for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value,
                                                               str):
                yield node.value


def test_error_messages_are_those_of_the_code():
    """Each stands in one text, where "..." is anything in one line."""
    quoted = re.findall(r'^\| `(.+?)` \|', TEXTS['docs/troubleshooting.md'],
                        re.MULTILINE)
    assert len(quoted) > 40
    texts = '\n'.join(texts_of_code())
    assert [message for message in quoted if not re.search(
        '[^\n]*?'.join(map(re.escape, message.split('...'))), texts)] == []
