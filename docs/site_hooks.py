"""A hook of MkDocs: turns the repository's Markdown into a site.

Every page is written for GitHub: its links are paths in the repository. Here
they become links of the site. A link to a module of rcg leads to its place in
the API reference. A link to another file that is no page becomes plain text.
A link to nothing is an error, and so is a page that loads something from
another host.
"""
import os
import posixpath
import re
from pathlib import Path

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]
# Pages that lie outside of docs/: where they are, and their place in the site.
OUTSIDE = {
    'README.md': 'index.md',
    'CONTRIBUTING.md': 'contributing.md',
    'CHANGELOG.md': 'changelog.md',
    **{path.relative_to(ROOT).as_posix(): path.relative_to(ROOT).as_posix()
       for folder in ('configs', 'projects')
       for path in sorted((ROOT / folder).rglob('README.md'))}}
PLACES = {place: source for source, place in OUTSIDE.items()}
FENCE = re.compile(r'(^ *```.*?^ *```$)', re.DOTALL | re.MULTILINE)
LINK = re.compile(r'(!?\[(?:[^\[\]]|\[[^\]]*\])*\])\(([^)\s]+)\)')
# A comment that says what the commands below it need.
NEEDS = re.compile(r'^<!-- needs (.+?) -->$', re.MULTILINE)
# A role of Sphinx in a docstring, as it comes out of Markdown.
ROLE = re.compile(r':(?:class|func|meth|mod|attr|obj):<code>~?([\w.]+)</code>')
# What a browser fetches by itself; links that one clicks are not meant.
LOADED = re.compile(
    r'<(?:script|img|iframe|source|audio|video)\b[^>]*\bsrc="?(?:https?:)?//'
    r'|<link\b(?=[^>]*\brel="?(?:stylesheet|preload|preconnect|icon))[^>]*'
    r'\bhref="?(?:https?:)?//'
    r'|(?:@import\s+|url\()["\']?(?:https?:)?//')


def on_files(files, config):
    """Add the pages that lie outside of docs/."""
    for source, place in OUTSIDE.items():
        files.append(File.generated(config, place,
                                    abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown, page, config, files):
    """Translate the links of a page, but for those in code; show needs."""
    place = page.file.src_uri
    source = PLACES.get(place, f'docs/{place}')
    parts = FENCE.split(NEEDS.sub(r'*Needs \1:*\n', markdown))
    parts[::2] = [LINK.sub(lambda link: _translated(link, source, place),
                           part) for part in parts[::2]]
    return ''.join(parts)


def _translated(link: re.Match, source: str, place: str) -> str:
    text, target = link.groups()
    if target.startswith(('#', 'http:', 'https:', 'mailto:')):
        return link[0]
    path, _, anchor = target.partition('#')
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    if not (ROOT / path).exists():
        raise PluginError(f'{source} links to {target}, which is not there.')
    if (ROOT / path / 'README.md').exists():
        path += '/README.md'
    if path in OUTSIDE:
        to = OUTSIDE[path]
    elif path.startswith('docs/') and path.endswith(('.md', '.png')):
        to = path.removeprefix('docs/')
    elif path.startswith('rcg/') and path.endswith('.py'):
        module = path.removesuffix('.py').removesuffix('/__init__')
        to = f"api/{module.split('/')[1]}.md"
        if not (ROOT / 'docs' / to).exists():
            to = 'api/base.md'
        anchor = module.replace('/', '.')
    else:
        return text.removeprefix('!')[1:-1]  # a file that the site has not
    to = posixpath.relpath(to, posixpath.dirname(place) or '.')
    return f'{text}({to}{anchor and "#"}{anchor})'


def on_page_content(html, page, config, files):
    """Turn what docstrings name into links, where the site has it."""
    return ROLE.sub(_named, html)


def _named(role: re.Match) -> str:
    code = f"<code>{role[1].rpartition('.')[2]}</code>"
    if not role[1].startswith('rcg.'):
        return code
    return f'<autoref identifier="{role[1]}" optional>{code}</autoref>'


def on_post_build(config):
    """Refuse a site that loads anything from another host."""
    for folder, _, names in os.walk(config['site_dir']):
        for name in names:
            if name.endswith(('.html', '.css')):
                path = Path(folder, name)
                found = LOADED.search(path.read_text('utf-8'))
                if found:
                    raise PluginError(
                        f'{path} loads from another host: {found[0]}')
