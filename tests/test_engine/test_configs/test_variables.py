"""Environment variables and file names in configs are values, never code."""
import json
import os

import pytest

from rcg.engine import load_config

# Each of these breaks a text that it is pasted into.
VALUES = [
    "it's here", 'a "quoted" one', 'back\\slash\\1\\g<0>', 'two\nlines\r\t',
    '{{x}} {y} %s %(z)s', "{{_base_.x}}'\"{{ fileDirname }}{{$HOME:h}}",
    'Äpfel über 日本 \U0001f600', os.fsdecode(b'no \xff utf-8'), '-x', '#no',
    '"""', "'''", 'trailing\\', "'+print(open('PWNED','w'))+'",
    '\nopen("PWNED", "w")\n#']

PYTHON = r'''# a comment: {{$VALUE:no}}
_base_ = ['{{$MISSING:base}}.py']
a = '{{$VALUE:no}}/train'
b = "{{ $VALUE:no }}"
c = """x
{{$VALUE:no}}
"y" """
d = r'\1\'{{$VALUE:no}}\n'
e = f'{{$VALUE:no}}{1 + 1}'
f = dict(list=['{{$VALUE:no}}'.split('{{$VALUE:no}}')])
g = b'{{$VALUE:no}}'
h = 'pre' '{{$VALUE:no}}' "{{$VALUE:no}}"
i = '{{$MISSING:data/it}}'
j = '#{{$MISSING:a+b(c}}#'
line = __import__('sys')._getframe().f_lineno
'''


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding='utf-8')
    return str(path)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv('MISSING', raising=False)
    yield
    assert not (tmp_path / 'PWNED').exists()


@pytest.mark.parametrize('value', VALUES)
def test_a_value_is_what_it_is_in_every_kind_of_string(tmp_path, monkeypatch,
                                                       value):
    write(tmp_path / 'base.py', "x = 'of the base'")
    path = write(tmp_path / 'config.py', PYTHON)
    monkeypatch.setenv('VALUE', value)
    cfg = load_config(path)
    assert cfg.a == f'{value}/train'
    assert cfg.b == value
    assert cfg.c == f'x\n{value}\n"y" '
    assert cfg.d == f"\\1\\'{value}\\n"
    assert cfg.e == f'{value}2'
    assert cfg.f == dict(list=[['', '']])
    assert cfg.g == os.fsencode(value)
    assert cfg.h == f'pre{value}{value}'
    assert (cfg.i, cfg.j, cfg.x) == ('data/it', '#a+b(c#', 'of the base')
    assert cfg.line == PYTHON.count('\n')
    assert cfg.env_variables == dict(VALUE=value)
    dumped = write(tmp_path / 'dumped.py', cfg.pretty_text)
    assert load_config(dumped).to_dict() == cfg.to_dict()


@pytest.mark.parametrize('value', VALUES)
def test_values_in_json_and_yaml(tmp_path, monkeypatch, value):
    monkeypatch.setenv('VALUE', value)
    monkeypatch.setenv('COUNT', '80')
    content = json.dumps(dict(a='{{$VALUE:no}}/x', b=['{{$VALUE:no}}'],
                              c='{{$MISSING:no}}'))
    content = content[:-1] + ', "n": {{$COUNT:1}}}'
    for name in ('config.json', 'config.yaml'):
        cfg = load_config(write(tmp_path / name, content))
        assert cfg.to_dict() == dict(a=f'{value}/x', b=[value], c='no', n=80)
    plain = load_config(write(
        tmp_path / 'plain.yaml', 'a: {{$VALUE:no}}/x\nb: {{"$COUNT:1"}}\n'))
    assert plain.to_dict() == dict(a=f'{value}/x', b=80)


@pytest.mark.parametrize('name', VALUES)
def test_folders_and_names_of_configs(tmp_path, name):
    name = name.replace('/', '_')
    folder = tmp_path / name
    write(folder / 'base.py', 'size = 3')
    source = ("_base_ = '{{ fileDirname }}/base.py'\n"
              "a = ['{{fileDirname}}', '{{ fileBasename }}',\n"
              "     r'{{ fileBasenameNoExtension }}', '{{ fileExtname }}']\n")
    path = write(folder / f'{name}.py', source)
    cfg = load_config(path)
    assert cfg.a == [str(folder), f'{name}.py', name, '.py']
    assert cfg.size == 3
    os.chdir(folder)
    assert load_config(f'{name}.py').a == cfg.a


@pytest.mark.parametrize(('text', 'value'), [
    ('80', 80), (' 1e-4', 1e-4), ('None', None), ('[1, (2,)]', [1, (2, )]),
    ('"it\'s {{_base_.x}}"', "it's {{_base_.x}}"), ("{'a': {1}}", {'a': {1}}),
    ('-3', -3), (None, 7)])
def test_outside_of_strings_a_value_is_a_literal(tmp_path, monkeypatch, text,
                                                 value):
    if text is not None:
        monkeypatch.setenv('COUNT', text)
    for reference in ("{{'$COUNT:7'}}", '{{"$COUNT:7"}}'):
        path = write(tmp_path / 'config.py', f'a = dict(n={reference})')
        assert load_config(path).a == dict(n=value)


@pytest.mark.parametrize('text', [
    '__import__("os")', 'open("PWNED", "w")', '1; open("PWNED", "w")', '{{1}}',
    '1\nopen("PWNED", "w")', 'a/path', '(' * 500, '1)', '1 # )'])
def test_outside_of_strings_nothing_else_is_taken(tmp_path, monkeypatch,
                                                  text):
    monkeypatch.setenv('COUNT', text)
    path = write(tmp_path / 'config.py', "a = dict(n={{'$COUNT:7'}})")
    if text == '1 # )':  # a comment is part of no literal
        assert load_config(path).a == dict(n=1)
        return
    with pytest.raises(ValueError, match='COUNT outside of quotes'):
        load_config(path)


@pytest.mark.parametrize(('text', 'state'), [(None, 'not set'),
                                             ('', 'empty')])
def test_a_variable_without_value_is_named(tmp_path, monkeypatch, text,
                                           state):
    if text is not None:
        monkeypatch.setenv('MISSING', text)
    path = write(tmp_path / 'config.py', "a = '{{$MISSING:}}'")
    with pytest.raises(KeyError, match=f'MISSING, which is {state}'):
        load_config(path)


def test_shipped_configs_take_any_folder(monkeypatch):
    value = VALUES[5]
    for name in ('RCG_ROOT', 'RCG_DATA', 'RCG_WEIGHTS'):
        monkeypatch.setenv(name, value)
    cfg = load_config('rcg::cifar10/iddpm.py')
    assert cfg.model.encoder.checkpoint.startswith(value)
    assert cfg.train_dataloader.dataset.data_root == value
    cfg = load_config('rcg::rcg/mage_b.py')
    assert cfg.model.encoder.checkpoint == f'{value}/mocov3_vit_b.safetensors'
