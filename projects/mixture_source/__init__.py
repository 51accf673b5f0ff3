"""Flow matching from a mixture of Gaussians, fitted to representations."""
from .mixture import GaussianMixture, MixtureSource, UnusedCondition
from .rdm import MixtureRDM
from .training import MixtureTraining

__all__ = ['GaussianMixture', 'MixtureRDM', 'MixtureSource',
           'MixtureTraining', 'UnusedCondition']
