"""Draw docs/demo*.png, the tabs of the page of tools/demo.py.

    bash tools/quickstart.sh
    python docs/draw_demo.py

Needs Gradio and Chromium. Opens the page with the models of the quick start,
presses the buttons as a visitor would, and takes pictures. Prints how long
the first samples took from click to picture, and later ones.
"""
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image, ImageOps

from rcg.datasets import Digits
from tests.test_apis.test_demo.test_page import Page

ROOT = Path(__file__).resolve().parents[1]
MODELS = 'mage', 'mage_uncond', 'mage_class_cond'
GIVEN = dict(seven=1, six=12)  # held-out digits that are uploaded


def start(root: Path) -> tuple[subprocess.Popen, str]:
    """The server of the models of a quick start, and its address."""
    process = subprocess.Popen(
        [sys.executable, 'tools/demo.py', *(str(root / name)
                                            for name in MODELS)],
        cwd=ROOT, env={**os.environ, 'PYTHONPATH': str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in process.stdout:
        if url := re.search(r'http://127\.0\.0\.1:\d+/', line):
            return process, url[0]
    raise SystemExit('the page did not start')


def cpu_seconds(process: subprocess.Popen) -> float:
    """CPU time of a process of Linux so far."""
    text = Path(f'/proc/{process.pid}/stat').read_text()
    fields = text.rpartition(')')[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf('SC_CLK_TCK')


def sample(page: Page, process: subprocess.Popen, seed: int) -> None:
    """Press "Sample"; print the seconds to the first step and to the end."""
    if seed:
        page.type('#seed input', seed)
    begun, before = time.monotonic(), cpu_seconds(process)
    page.press('sample', 'step ')
    first = time.monotonic() - begun
    page.until('document.querySelector("#told").innerText'
               f'.includes("seed {seed}, steps")')
    print(f'seed {seed}: first step after {first:.2f} s, all after '
          f'{time.monotonic() - begun:.2f} s, CPU time of the server '
          f'{cpu_seconds(process) - before:.2f} s, load '
          f'{os.getloadavg()[0]:.1f}', flush=True)


def upload(page: Page, field: str, path: Path) -> None:
    page.give(f'#{field} input[type=file]', path)
    page.until(f'!!document.querySelector("#{field} a[href*={path.stem}]")')


def shoot(page: Page, name: str) -> None:
    time.sleep(1)  # its pictures fade in
    path = ROOT / f'docs/{name}.png'
    page.picture(path)
    picture = Image.open(path).convert('RGB')
    # Without the empty rest of the page.
    bottom = ImageOps.invert(picture).getbbox()[3] + 20
    picture = picture.crop((0, 0, picture.width, bottom))
    picture.quantize(128).save(path, optimize=True)


def draw(page: Page, process: subprocess.Popen, folder: Path) -> None:
    """Take a picture of each tab."""
    for seed in range(4):
        sample(page, process, seed)
    shoot(page, 'demo')
    digits = Digits('test')
    for name, index in GIVEN.items():
        pixels = digits[index]['images'].permute(1, 2, 0)
        Image.fromarray(pixels.numpy()).save(folder / f'{name}.png')
    page.tab('From an image')
    upload(page, 'given', folder / 'seven.png')
    page.press('vary', 'drawn', 'told_image')
    shoot(page, 'demo_image')
    page.tab('Between two images')
    for field, name in (('first', 'seven'), ('last', 'six')):
        upload(page, field, folder / f'{name}.png')
    page.press('interpolate', 'drawn', 'told_between')
    shoot(page, 'demo_between')
    page.tab('Compare')
    page.choose('model_2', 'mage_uncond')
    page.press('compare', 'mage_uncond', 'told_compare')
    shoot(page, 'demo_compare')


def main() -> None:
    root = Path(os.environ.get('RCG_ROOT', ROOT / 'work_dirs/quickstart'))
    process, url = start(root.resolve())
    with tempfile.TemporaryDirectory() as folder:
        page = Page(folder, 1200, 1250)
        try:
            page.open(url)
            page.until('!!document.querySelector("#sample")')
            draw(page, process, Path(folder))
        finally:
            page.close()
            process.kill()


if __name__ == '__main__':
    main()
