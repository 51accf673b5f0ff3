"""Images as files, while they come."""
import numpy as np
import pytest
from PIL import Image

from rcg.engine.hooks.resumable_test import ResumableTestHook
from rcg.engine.hooks.save_images import SaveImagesHook
from tests.test_engine.running import ROOT, build_runner

CONFIG = str(ROOT / 'tests/test_engine/toy_painter_config.py')


def runner_of(folder, images, seed=3, **options):
    runner = build_runner(
        folder, CONFIG, test_dataloader__dataset__num_images=1010,
        test_dataloader__dataset__seed=seed, **options)
    for hook in (ResumableTestHook(), SaveImagesHook(str(images))):
        runner.register_hook(hook)
    return runner


def test_numbered_png_files_in_folders_of_a_thousand(tmp_path):
    runner = runner_of(tmp_path, tmp_path / 'images')
    drawn = {}
    predict = runner.model.test_step

    def step(batch):
        samples = predict(batch)
        drawn.update((s['index'], s['images']) for s in samples)
        return samples

    runner.model.test_step = step
    runner.test()
    names = sorted(str(path.relative_to(tmp_path / 'images'))
                   for path in (tmp_path / 'images').rglob('*.*')
                   if path.is_file() and path.name[0] != '.')
    assert len(names) == 1010  # what fills up the last batch is not there
    assert names[0] == '00000/00000000.png'
    assert names[-1] == '00001/00001009.png'
    for index in (0, 1009):
        path = tmp_path / 'images' / f'{index // 1000:05}/{index:08}.png'
        with Image.open(path) as image:
            assert (np.asarray(image) ==
                    drawn[index].cpu().permute(1, 2, 0).numpy()).all()


def test_images_of_another_run_are_not_mixed_in(tmp_path):
    runner_of(tmp_path, tmp_path / 'images').test()
    runner_of(tmp_path, tmp_path / 'images').test()
    with pytest.raises(ValueError, match='another run: name a new folder'):
        runner_of(tmp_path, tmp_path / 'images', seed=4).test()
    (tmp_path / 'mine').mkdir()
    (tmp_path / 'mine' / 'holiday.png').write_bytes(b'')
    with pytest.raises(ValueError, match='another run'):
        runner_of(tmp_path, tmp_path / 'mine').test()


def test_a_model_without_images(tmp_path):
    runner = runner_of(tmp_path, tmp_path / 'images', test_evaluator=[])
    runner.model.test_step = lambda batch: [{'index': 0, 'other': 1}]
    with pytest.raises(ValueError, match='no images to save.*index, other'):
        runner.test()
