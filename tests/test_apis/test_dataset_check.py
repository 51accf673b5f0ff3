"""Numbers and names of ILSVRC 2012."""
from collections import Counter

from rcg.apis.dataset_check import imagenet_faults


def test_imagenet_as_it_should_be():
    sizes = Counter({f'n{i:08d}': 50 for i in range(1000)})
    assert imagenet_faults('train', 1_281_167, sizes) == []
    assert imagenet_faults('val', 50_000, sizes) == []
    assert imagenet_faults('val', 50_000, Counter()) == []
    assert imagenet_faults('val', 50_000, sizes - Counter(n00000000=50))
