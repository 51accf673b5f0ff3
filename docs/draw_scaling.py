"""Print the tables of scaling.md: python docs/draw_scaling.py

Arithmetic only. What was measured stands in RATES, what is assumed below it.
"""
# Measured: images a second of an H200 with the frozen parts in each step
# (docs/benchmarks.md), trained parameters, and the batch of the paper.
RATES = {
    'MAGE-L': (348, 408_051_945, 4096),
    'DiT-XL': (225, 673_977_888, 2048),
    'LDM-8': (203, 389_872_388, 256),
    'ADM': (22.5, 553_077_254, 256),
}
CORE = 97  # JPEG files that a core decodes and resizes a second, measured
# Assumed: bytes of a JPEG file of ImageNet; bytes a second of all-reduce
# inside of a node (NVLink) and of the card of each GPU (400 Gbit/s).
JPEG, NVLINK, CARD, NODE = 110e3, 400e9, 50e9, 8
TOKENS, REPRESENTATION = 256 * 2, 256 * 2  # uint16; float16


def all_reduce(count: int, size: float) -> float:
    """Seconds: inside of the nodes, then a part a card between them."""
    inside = min(count, NODE)
    seconds = 2 * (inside - 1) / inside * size / NVLINK
    nodes = count // NODE
    if nodes > 1:
        seconds += 2 * (nodes - 1) / nodes * size / NODE / CARD
    return seconds


def main() -> None:
    print('| model | GPUs | images a GPU and step | seconds: step, all-reduce '
          '| images a second | JPEG, GB/s | cores a node |')
    print('|---|---|---|---|---|---|---|')
    for name, (rate, parameters, batch) in RATES.items():
        for count in 8, 64, 256, 1024:
            local = max(1, batch // count)
            step, reduce = local / rate, all_reduce(count, 4 * parameters)
            total = local * count / max(step, reduce)
            print(f'| {name} | {count:,} | {local} '
                  f'| {step:.3f}, {reduce:.3f} | {total:,.0f} '
                  f'| {total * JPEG / 1e9:.2f} '
                  f'| {total / count * NODE / CORE:.0f} |')
    print()
    print('| images | JPEG files | a stored view of each (MAGE) | 8 views | '
          'paths, 60 bytes each |')
    print('|---|---|---|---|---|')
    for label, images in (('1.28 M', 1.28e6), ('14 M', 14e6),
                          ('142 M', 142e6), ('1 billion', 1e9)):
        row = TOKENS + REPRESENTATION
        print(f'| {label} | {images * JPEG / 1e12:.2f} TB '
              f'| {images * row / 1e9:,.1f} GB | {images * row * 8 / 1e9:,.0f}'
              f' GB | {images * 60 / 1e9:.2f} GB |')


if __name__ == '__main__':
    main()
