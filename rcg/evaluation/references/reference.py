"""What scores are compared with."""
from abc import ABC, abstractmethod

import torch
from torch import Tensor

# Names of mean and covariance in files; the second pair is ADM's, for sFID.
MOMENTS = {'features': ('mu', 'sigma'), 'spatial': ('mu_s', 'sigma_s')}


class Reference(ABC):
    """Real images, seen through a feature extractor.

    All processes must ask for a result together: they may share the work.

    Args:
        feature: Output of the extractor, a key of ``MOMENTS``.
    """

    def __init__(self, feature: str) -> None:
        self.feature = feature

    @abstractmethod
    def results(self, rows: bool, device: torch.device) -> dict[str, Tensor]:
        """The ``features`` if ``rows``, and otherwise moments by name."""

    @abstractmethod
    def describe(self) -> dict:
        """Name, kind, hash, and what is known of how it was made."""

    @abstractmethod
    def check(self, dim: int) -> None:
        """See that the extractor's features may have ``dim`` numbers.

        Raises:
            ValueError: They cannot, as far as is known.
        """

    def moments(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Mean (D,) and covariance (D, D) of the features, float64."""
        found = self.results(False, device)
        mean, covariance = MOMENTS[self.feature]
        return found[mean].double(), found[covariance].double()

    def features(self, device: torch.device) -> Tensor:
        """Features (N, D) in the order of the images, on the CPU."""
        return self.results(True, device)['features']


def identity(extractor: dict) -> dict:
    """What determines the features, of the description of an extractor."""
    return {name: value for name, value in extractor.items()
            if name != 'weights'}
