"""Draw docs/quickstart_samples.png: python docs/draw_samples.py [--seeds 3]

Held-out digits, their reconstructions, and the first samples of each model of
a quick start, not chosen: bash tools/quickstart.sh with the same arguments
comes first. With --generators mage,dit,adm,ldm it draws docs/generators.png.
"""
from pathlib import Path

from rcg.projects.quickstart.__main__ import parse_args
from rcg.projects.quickstart.plan import Plan
from rcg.projects.quickstart.plots import plot_samples


def main() -> None:
    args = parse_args()
    root = Path(args.work_dir)
    plan = Plan(args.generators, args.seeds, args.short)
    name = 'generators' if 'dit' in plan.models else 'quickstart_samples'
    plot_samples(root / 'seed_0' if args.seeds > 1 else root, plan,
                 Path(__file__).with_name(f'{name}.png'))


if __name__ == '__main__':
    main()
