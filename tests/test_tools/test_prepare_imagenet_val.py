"""The published evaluation images: pixels, names, resuming, checks."""
import numpy as np
import pytest
from PIL import Image

from rcg.apis import imagenet_val
from tests.reference import load_case
from tools import prepare_imagenet_val as tool

from ..test_engine.running import run_tool


def run(src, dst, count, *args):
    return tool.run(tool.parse_args([
        str(src), str(dst), '--num-images', str(count), '--workers', '1',
        *map(str, args)]))


@pytest.fixture
def source(tmp_path):
    """Three images of random pixels, as they are distributed (but PNG)."""
    folder = tmp_path / 'val'
    folder.mkdir()
    for i in range(3):
        pixels = np.random.RandomState(i).randint(0, 256, (30, 40 + i, 3))
        Image.fromarray(pixels.astype(np.uint8)).save(
            folder / f'ILSVRC2012_val_{i + 1:08d}.JPEG', 'PNG')
    return folder


def test_pixels_are_the_published_ones(tmp_path):
    _, _, data = load_case('preprocessing')
    (tmp_path / 'val').mkdir()
    Image.fromarray(data['img0.raw'].numpy()).save(tmp_path / 'val' / 'a.png')
    made = {}
    for resize in ('bilinear', 'bicubic'):
        out = tmp_path / resize
        assert run(tmp_path / 'val', out, 1, '--resize', resize) == 0
        with Image.open(out / 'a.png') as image:
            assert (image.format, image.mode) == ('PNG', 'RGB')
            made[resize] = np.asarray(image)
    wanted = data['img0.resize256_default_center256'].numpy()
    assert np.array_equal(made['bilinear'], wanted)
    assert not np.array_equal(made['bicubic'], wanted)


def test_both_layouts_and_any_number_of_workers_give_the_same(source,
                                                              tmp_path):
    run(source, tmp_path / 'flat', 3, '--size', 16)
    for i, file in enumerate(sorted(source.iterdir())):
        (source / f'n0000000{2 - i}').mkdir()
        file.rename(source / f'n0000000{2 - i}' / file.name)
    run(source, tmp_path / 'nested', 3, '--size', 16, '--workers', 2)
    names = [f'ILSVRC2012_val_{i:08d}.png' for i in (1, 2, 3)]
    for folder in ('flat', 'nested'):
        assert sorted(f.name for f in (tmp_path / folder).glob('*.png')
                      ) == names
    for name in names:
        assert (tmp_path / 'flat' / name).read_bytes() == (
            tmp_path / 'nested' / name).read_bytes()
    with Image.open(tmp_path / 'flat' / names[0]) as made:
        assert made.size == (16, 16)


def test_goes_on_where_it_was(source, tmp_path, capsys, monkeypatch):
    out = tmp_path / 'out'
    run(source, out, 3, '--size', 16)
    capsys.readouterr()
    first, second, _ = sorted(out.glob('*.png'))
    before = second.read_bytes()
    second.unlink()
    (out / f'.{second.name}.part').write_text('cut off by a kill')
    first.write_text('as it was')
    run(source, out, 3, '--size', 16)
    assert '2 of 3 were made before' in capsys.readouterr().out
    assert second.read_bytes() == before
    assert first.read_text() == 'as it was'  # not made again
    assert not list(out.glob('.*.part'))


def test_a_failed_write_leaves_no_file(source, tmp_path, monkeypatch):
    def save(self, path, kind):
        path.write_text('half')
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(Image.Image, 'save', save)
    with pytest.raises(OSError, match='No space'):
        run(source, tmp_path / 'out', 3, '--size', 16)
    assert not list((tmp_path / 'out').glob('[!.]*.png'))


def test_other_settings_are_not_mixed(source, tmp_path):
    run(source, tmp_path / 'out', 3, '--size', 16)
    with pytest.raises(ValueError, match=r"bilinear.*not.*'lanczos'"):
        run(source, tmp_path / 'out', 3, '--size', 16, '--resize', 'lanczos')
    with pytest.raises(ValueError, match='did not make'):
        run(source, _with_png(tmp_path / 'foreign'), 3)


def _with_png(folder):
    folder.mkdir()
    (folder / 'a.png').touch()
    return folder


def test_unreadable_files_are_named_and_the_rest_is_made(source, tmp_path,
                                                         capsys):
    damaged = source / 'ILSVRC2012_val_00000002.JPEG'
    damaged.write_bytes(damaged.read_bytes()[:500])
    assert run(source, tmp_path / 'out', 3, '--size', 16) == 1
    out, err = capsys.readouterr()
    assert f"'{damaged}' cannot be read (" in err
    assert '2 of 3 files are in' in out
    assert len(list((tmp_path / 'out').glob('*.png'))) == 2


def test_numbers_and_names_are_checked(source, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match='must hold 50000 images, got 3'):
        run(source, tmp_path / 'out', 50_000)
    (source / 'a').mkdir()
    (source / 'a' / 'ILSVRC2012_val_00000002.png').touch()
    with pytest.raises(ValueError, match="once.*'ILSVRC2012_val_00000002'"):
        run(source, tmp_path / 'out', 4)
    paths = [f'n{i % 999:08d}/{i}.JPEG' for i in range(50_000)]
    monkeypatch.setattr(imagenet_val, 'list_images', lambda _: paths)
    with pytest.raises(ValueError, match='1000 class folders.*got 999'):
        imagenet_val.find_images('val', 50_000)


@pytest.mark.slow
def test_the_command(source, tmp_path):
    done = run_tool('prepare_imagenet_val.py', source, tmp_path / 'out',
                    '--num-images', 3, '--workers', 2)
    assert '3/3 files' in done.stdout
    assert 'left 0:00:00' in done.stdout
    done = run_tool('prepare_imagenet_val.py', source, tmp_path / 'out',
                    check=False)
    assert done.returncode == 1
    assert 'must hold 50000 images' in done.stderr
    assert 'Traceback' not in done.stderr
