"""Commands of pages are run, as they stand there.

Each page gets a folder of its own with untrained digits models. Options that
make a command short are added: few steps, few images, two iterations. Those
of ``PAGES`` belong to the suite. All others are marked ``pages``:
tools/run_tests.sh leaves them out, .ci/run runs them in a step of their own. A
command that needs nothing of its page is run once. What is run by others, and
why something is not run at all, stands in elsewhere.py.
"""
import re
import shlex

import pytest

from ..test_engine.running import ROOT
from .elsewhere import NOT_RUN, RUN_BY
from .running import make_room, resolved, run
from .test_pages import MARKS, TEXTS, blocks, commands
from .test_pages import inline_commands as inline

pytestmark = pytest.mark.slow
PAGES = 'README.md', 'configs/digits/README.md'
# Tools whose commands need nothing of a page and leave it nothing.
FREE = {f'tools/{name}.py' for name in (
    'fit', 'list', 'print_config', 'diff_config', 'check_dataset')}


def unrolled(text):
    """A block without its loops: all turns, one after another."""
    def turns(match):
        name, values, body = match.groups()
        return '\n'.join(re.sub(rf'\${name}\b', value, body) for value
                         in re.sub(r'\\\n', ' ', values).split())

    return re.sub(r'for (\w+) in ([^;]+); do\n(.*?)\n\s*done', turns, text,
                  flags=re.DOTALL)


def found_in(page):
    """Commands of a page that have no mark, each once."""
    found = [words for mark, text in blocks(page, 'bash')
             if not mark.startswith(MARKS)
             for words in commands(unrolled(text))]
    found += inline(TEXTS[page])
    return [list(words) for words in dict.fromkeys(map(tuple, found))]


def runs_elsewhere(words):
    return any(re.match(pattern, shlex.join(words))
               for pattern in {**RUN_BY, **NOT_RUN})


def chosen():
    """What is run of each page; a command of a free tool, once."""
    seen, found = set(), {}
    for page in [*PAGES, *(page for page in TEXTS if page not in PAGES)]:
        for words in found_in(page):
            key = words[1] in FREE and tuple(resolved(words))
            if key not in seen and not runs_elsewhere(words):
                seen |= {key} - {False}
                found.setdefault(page, []).append(words)
    return found


CHOSEN = chosen()


def test_every_line_of_the_tables_is_needed():
    every = [shlex.join(words) for page in TEXTS for words in found_in(page)]
    assert [pattern for pattern in {**RUN_BY, **NOT_RUN}
            if not any(re.match(pattern, line) for line in every)] == []


def test_the_files_of_the_table_run_such_commands():
    """Each is there and names the tool, or the module beside it."""
    for page in TEXTS:
        for words in found_in(page):
            line = shlex.join(words)
            file = next((file for pattern, file in RUN_BY.items()
                         if re.match(pattern, line)), None)
            if file is None:
                continue
            name = words[2] if words[1] == '-m' else words[1]
            stem = re.sub(r'\.(py|sh)$', '', name).split('/')[-1]
            text = (ROOT / file).read_text('utf-8')
            for part in stem.split('.')[2:] or [stem]:
                assert part in text, f'{file} does not run {line}'


@pytest.mark.parametrize('page', PAGES)
def test_commands_run(page, template, tmp_path):
    make_room(template, tmp_path / 'here')
    for words in CHOSEN[page]:
        run(tmp_path / 'here', words)


@pytest.mark.pages
@pytest.mark.parametrize('page', [page for page in CHOSEN
                                  if page not in PAGES])
def test_commands_of_other_pages_run(page, rich_template, tmp_path):
    make_room(rich_template, tmp_path / 'here')
    for words in CHOSEN[page]:
        run(tmp_path / 'here', words)
    for _, code in blocks(page, 'py'):  # it needs what the commands left
        run(tmp_path / 'here', ['python', '-c', code])
