"""Draw docs/results.png: python docs/draw_results.py

FD of the four generators without representations and with them, from the table
of docs/generators.md, which bash tools/quickstart.sh --seeds 3 --generators
mage,dit,adm,ldm measures.
"""
import re
from pathlib import Path

import matplotlib

matplotlib.use('Agg')
from matplotlib import pyplot  # noqa: E402

FOLDER = Path(__file__).parent
ROW = re.compile(r'^\| (\w+) \| ([\d.]+) ± ([\d.]+) '
                 r'\| \*\*([\d.]+) ± ([\d.]+)\*\* \|', re.MULTILINE)


def main() -> None:
    text = (FOLDER / 'generators.md').read_text('utf-8')
    names, *numbers = zip(*ROW.findall(text), strict=True)
    alone, alone_std, rcg, rcg_std = (
        [float(number) for number in column] for column in numbers)
    figure, axis = pyplot.subplots(figsize=(7, 3.1), layout='constrained')
    for shift, means, stds, color, label in (
            (-.19, alone, alone_std, '#7a7a7a', 'without representations'),
            (.19, rcg, rcg_std, '#c2410c', 'RCG, with representations')):
        places = [i + shift for i in range(len(names))]
        bars = axis.bar(places, means, .36, yerr=stds, color=color,
                        label=label, capsize=3)
        axis.bar_label(bars, [f'{mean:.2f}' for mean in means], padding=2,
                       fontsize=9.5)
    axis.set_xticks(range(len(names)), names)
    axis.set(ylabel='FD to held-out digits', ylim=(0, 3.4))
    axis.spines[['top', 'right']].set_visible(False)
    axis.legend(frameon=False)
    axis.set_title('Digits, 600 training steps, mean and standard deviation '
                   'of three seeds', fontsize=10.5)
    figure.savefig(FOLDER / 'results.png', dpi=110, facecolor='white')


if __name__ == '__main__':
    main()
