"""All registries of rcg.

The parts of the method and of the metrics have registries of their own. An
error then names a part that stands in the place of another, such as a
tokenizer in the place of an encoder. All other registries are children of
MMEngine's. Errors of both name the nearest known names.
"""
import difflib
import functools
import inspect

import mmengine.registry as root
from mmengine.registry import Registry


class PartRegistry(Registry):
    """A registry whose failed look-ups name the nearest registered types."""

    def get(self, key: str) -> type:
        """The class registered under ``key``.

        Raises:
            KeyError: There is none. The message names the nearest ones.
        """
        found = super().get(key)
        if found is None:
            raise KeyError(self._unknown(key))
        return found

    def _unknown(self, key: str) -> str:
        known = {**self.module_dict, **getattr(self.parent, 'module_dict', {})}
        elsewhere = [f" '{key}' is a {other.name}, not a {self.name}."
                     for other in PARTS
                     if other is not self and key in other.module_dict]
        return (f"no {self.name} is named '{key}' (registry '{self.name}' of "
                f"scope '{self.scope}').{nearest(key, known)}"
                f'{"".join(elsewhere[:1])} A class of your own must be '
                'imported before it is built: '
                'custom_imports=dict(imports=[...]).')


def nearest(word: str, known) -> str:
    """A sentence for a message: the nearest known words, or all."""
    near = difflib.get_close_matches(word, list(known), n=3, cutoff=.5)
    if near:
        return f' Did you mean {" or ".join(map(repr, near))}?'
    return ' Known: ' + ', '.join(sorted(known)[:50]) + '.'


def _accepted_arguments(cls) -> set[str] | None:
    """Names of the arguments of ``cls(...)``; None if it takes any name."""
    functions = [cls]
    if inspect.isclass(cls):
        functions = [vars(base)['__init__'] for base in inspect.getmro(cls)
                     if '__init__' in vars(base)]
    names = set()
    for function in functions:
        if not inspect.isfunction(function):
            return None
        parameters = inspect.signature(function).parameters
        named = {n for n, p in parameters.items() if p.kind != p.VAR_KEYWORD}
        names |= named
        if len(named) == len(parameters):
            return names - {'self'}
    return None


def _build(build, cfg, *args, registry: Registry, **kwargs):
    """Check a config's type and arguments before ``build`` runs."""
    kind = cfg.get('type') if isinstance(cfg, dict) else None
    if isinstance(kind, str):
        with registry.switch_scope_and_registry(None) as scoped:
            cls = scoped.get(kind)
        accepted = None if cls is None else _accepted_arguments(cls)
        for name in cfg:
            if accepted is not None and name not in accepted | {
                    'type', '_scope_', 'convert_to_iter_based'}:
                raise TypeError(
                    f"'{kind}' ({registry.name}) has no argument '{name}'."
                    f'{nearest(name, accepted)}')
    return build(cfg, *args, registry=registry, **kwargs)


def _child(name: str, *locations: str) -> Registry:
    parent = getattr(root, name)
    parent.build_func = functools.partial(_build, parent.build_func)
    return PartRegistry(parent.name, parent=parent, scope='rcg',
                        locations=list(locations))


def _part(name: str, *locations: str) -> Registry:
    build = functools.partial(_build, root.build_from_cfg)
    return PartRegistry(name, build, scope='rcg', locations=list(locations))


# What the method is made of.
ENCODERS = _part('encoder', 'rcg.models.encoders')
TOKENIZERS = _part('tokenizer', 'rcg.models.tokenizers')
REPRESENTATION_DIFFUSERS = _part('representation diffuser',
                                 'rcg.models.diffusers')
PIXEL_GENERATORS = _part('pixel generator', 'rcg.models.generators')
# What computes features of uint8 images for the metrics.
FEATURE_EXTRACTORS = _part('feature extractor', 'rcg.evaluation',
                           'rcg.pretraining')
PARTS = (ENCODERS, TOKENIZERS, REPRESENTATION_DIFFUSERS, PIXEL_GENERATORS,
         FEATURE_EXTRACTORS)

# Models for the Runner, and networks inside parts.
MODELS = _child('MODELS', 'rcg.models', 'rcg.engine', 'rcg.pretraining')
# Stateless strategies: diffusion processes, samplers.
TASK_UTILS = _child('TASK_UTILS', 'rcg.diffusion')
# Data.
DATASETS = _child('DATASETS', 'rcg.datasets')
TRANSFORMS = _child('TRANSFORMS', 'rcg.datasets')
DATA_SAMPLERS = _child('DATA_SAMPLERS', 'rcg.datasets')
FUNCTIONS = _child('FUNCTIONS', 'rcg.datasets')
# Evaluation.
METRICS = _child('METRICS', 'rcg.evaluation')
EVALUATOR = _child('EVALUATOR', 'rcg.evaluation')
# The engine.
RUNNERS = _child('RUNNERS', 'rcg.engine')
RUNNER_CONSTRUCTORS = _child('RUNNER_CONSTRUCTORS', 'rcg.engine')
LOOPS = _child('LOOPS', 'rcg.engine')
HOOKS = _child('HOOKS', 'rcg.engine', 'rcg.pretraining')
STRATEGIES = _child('STRATEGIES', 'rcg.engine')
OPTIMIZERS = _child('OPTIMIZERS', 'rcg.engine')
OPTIM_WRAPPERS = _child('OPTIM_WRAPPERS', 'rcg.engine')
OPTIM_WRAPPER_CONSTRUCTORS = _child('OPTIM_WRAPPER_CONSTRUCTORS',
                                    'rcg.engine', 'rcg.pretraining')
PARAM_SCHEDULERS = _child('PARAM_SCHEDULERS', 'rcg.engine')
LOG_PROCESSORS = _child('LOG_PROCESSORS', 'rcg.engine')
MODEL_WRAPPERS = _child('MODEL_WRAPPERS', 'rcg.engine', 'rcg.pretraining')
WEIGHT_INITIALIZERS = _child('WEIGHT_INITIALIZERS', 'rcg.engine')
VISUALIZERS = _child('VISUALIZERS', 'rcg.engine')
VISBACKENDS = _child('VISBACKENDS', 'rcg.engine')
INFERENCERS = _child('INFERENCERS', 'rcg.apis')
