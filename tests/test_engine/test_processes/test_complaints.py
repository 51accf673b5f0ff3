"""An error of several processes is told once, the first one last."""
import json

from rcg.engine.processes.complaints import complain, told_once


def leave(folder, rank, text, time):
    (folder / f'{rank}.json').write_text(json.dumps(
        dict(text=f'{text}\n(rank {rank})', same=text, time=time, trace='')))


def test_alone_it_is_printed(monkeypatch, capsys):
    monkeypatch.delenv('RCG_ERRORS', raising=False)
    monkeypatch.delenv('RANK', raising=False)
    complain('wrong')
    assert capsys.readouterr().err == '\nerror: wrong\n'
    monkeypatch.setenv('RANK', '3')
    complain('wrong', trace='Traceback')
    assert capsys.readouterr().err == 'Traceback\nerror (process 3): wrong\n'


def test_with_a_launcher_it_is_left_to_that(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv('RCG_ERRORS', str(tmp_path))
    for rank in range(3):
        monkeypatch.setenv('RANK', str(rank))
        complain(f'wrong (log {rank})', 'wrong')
    assert capsys.readouterr().err == ''
    text, ranks = told_once(str(tmp_path))
    assert text == 'error (of all 3 processes): wrong (log 0)'
    assert ranks == {0, 1, 2}


def test_slurm_numbers_processes_that_have_not_met(monkeypatch, tmp_path):
    monkeypatch.setenv('RCG_ERRORS', str(tmp_path))
    monkeypatch.delenv('RANK', raising=False)
    monkeypatch.setenv('SLURM_PROCID', '2')
    complain('wrong')
    assert [path.name for path in tmp_path.iterdir()] == ['2.json']
    monkeypatch.setenv('RANK', '1')
    complain('wrong')
    assert told_once(str(tmp_path))[1] == {1, 2}


def test_the_first_error_is_the_last_paragraph(tmp_path):
    leave(tmp_path, 1, 'cause', 1.)
    for rank in (0, 2):
        leave(tmp_path, rank, 'process 1 is lost', 2.)
    text, _ = told_once(str(tmp_path))
    assert text == (
        'error (processes 0, 2): process 1 is lost\n(rank 0)\n\n'
        'error (process 1): cause\n(rank 1)')
