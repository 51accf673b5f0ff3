"""Draw grids of samples side by side, as on the pages of docs/.

    python docs/draw_beside.py OUT --left TITLE GRID ... --right TITLE GRID ...

A GRID is the grid.png of a folder that tools/sample.py or another command
has written. Several are put below each other.

The pictures of docs/family.md, where $DLC is projects/dlc/configs/digits:

    export RCG_ROOT=work_dirs/family/seed_0
    for pair in '0 1' '2 3' '4 5' '7 6'; do
        python tools/sample.py $DLC/dlc_dit_flow.py $RCG_ROOT/dlc_dit_flow \
            --interpolate $pair --out "work_dirs/dlc_$pair"
        python tools/sample.py configs/digits/dit_flow.py $RCG_ROOT/dit_flow \
            --interpolate $pair --out "work_dirs/rcg_$pair"
    done
    python -m rcg.projects.dlc $DLC/dlc_dit_flow.py $RCG_ROOT/dlc_dit_flow \
        --first 0 1 2 3 4 --second 5 6 7 8 9 --out work_dirs/dlc_composed
    python -m rcg.projects.dlc configs/digits/dit_flow.py $RCG_ROOT/dit_flow \
        --first 0 1 2 3 4 --second 5 6 7 8 9 --out work_dirs/rcg_composed
"""
import argparse

from PIL import Image, ImageDraw, ImageFont

GAP, TITLE = 24, 26


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out')
    for side in '--left', '--right':
        parser.add_argument(side, nargs='+', required=True,
                            metavar='TITLE GRID')
    args = parser.parse_args()
    columns = [column(*args.left), column(*args.right)]
    page = Image.new('RGB', (
        sum(one.width for one in columns) + GAP,
        max(one.height for one in columns)), 'white')
    page.paste(columns[0], (0, 0))
    page.paste(columns[1], (columns[0].width + GAP, 0))
    page.quantize(256).save(args.out, optimize=True)


def column(title: str, *grids: str) -> Image.Image:
    """A title and grids below each other."""
    pictures = [Image.open(grid).convert('RGB') for grid in grids]
    page = Image.new('RGB', (
        max(one.width for one in pictures),
        TITLE + sum(one.height for one in pictures)), 'white')
    ImageDraw.Draw(page).text((4, 2), title, fill='black',
                              font=ImageFont.load_default(18))
    top = TITLE
    for one in pictures:
        page.paste(one, (0, top))
        top += one.height
    return page


if __name__ == '__main__':
    main()
