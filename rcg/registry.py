"""Every registry of rcg, one line each.

The four parts of the method (and the feature extractors of the metrics) have
registries of their own, so a part in the wrong slot fails by name. Everything
else is a child of MMEngine's registry of the same role. Importing this module
also makes the errors of all registries say which names come nearest.
"""
import difflib
import functools
import importlib
import inspect

import mmengine.registry as root
from mmengine.registry import Registry

# Imported when a type is not known yet: the project that the configs use, and
# what makes MMEngine register its own classes.
_LATE = ('rcg.projects.pretraining', 'mmengine.runner')


class PartRegistry(Registry):
    """A registry whose failed look-ups name the nearest registered types."""

    def get(self, key: str) -> type:
        """Return the class registered under ``key``.

        Raises:
            KeyError: ``key`` is not registered here or in a parent.
        """
        found = super().get(key)
        if found is None:
            for module in _LATE:
                importlib.import_module(module)
            found = super().get(key)
        if found is None:
            raise KeyError(self._unknown(key))
        return found

    def _unknown(self, key: str) -> str:
        known = dict(self.module_dict)
        if self.parent is not None:
            known.update(self.parent.module_dict)
        text = (f"no {self.name} is named '{key}' (registry '{self.name}' "
                f"of scope '{self.scope}').{_nearest(key, known)}")
        elsewhere = [
            other.name for other in PARTS
            if other is not self and key in other.module_dict
        ]
        if elsewhere:
            text += f" '{key}' is a {elsewhere[0]}, not a {self.name}."
        return text + (' A class of your own must be imported before it is '
                       'built: custom_imports=dict(imports=[...]).')


def _nearest(word: str, known) -> str:
    near = difflib.get_close_matches(word, list(known), n=3, cutoff=.5)
    if near:
        return ' Did you mean ' + ' or '.join(f"'{n}'" for n in near) + '?'
    return ' Known: ' + ', '.join(sorted(known)[:40]) + '.'


def _accepted_arguments(cls) -> set[str] | None:
    """Names that ``cls(...)`` takes; None if it takes any."""
    names = set()
    for base in inspect.getmro(cls) if inspect.isclass(cls) else [cls]:
        function = base.__dict__.get('__init__') if inspect.isclass(
            base) else base
        if function is None:
            continue
        if not inspect.isfunction(function):
            return None
        parameters = inspect.signature(function).parameters.values()
        names |= {p.name for p in parameters if p.kind != p.VAR_KEYWORD}
        if all(p.kind != p.VAR_KEYWORD for p in parameters):
            return names - {'self'}
    return None


def _check_arguments(cfg, registry: Registry) -> None:
    kind = cfg.get('type') if isinstance(cfg, dict) else None
    if not isinstance(kind, str):
        return
    with registry.switch_scope_and_registry(None) as scoped:
        cls = scoped.get(kind)
    accepted = cls and _accepted_arguments(cls)
    for name in cfg if accepted else ():
        if name not in accepted | {'type', '_scope_'}:
            raise TypeError(
                f"'{kind}' ({registry.name}) has no argument '{name}'."
                f'{_nearest(name, accepted)}')


def _with_hints(build):
    """Check a config's type and arguments before ``build`` runs."""

    @functools.wraps(build)
    def hinted(cfg, *args, registry, **kwargs):
        _check_arguments(cfg, registry)
        return build(cfg, *args, registry=registry, **kwargs)

    hinted.has_hints = True
    return hinted


def _child(name: str, *locations: str) -> Registry:
    parent = getattr(root, name)
    if not getattr(parent.build_func, 'has_hints', False):
        parent.build_func = _with_hints(parent.build_func)
    return PartRegistry(parent.name, parent=parent, scope='rcg',
                        build_func=parent.build_func,
                        locations=list(locations))


def _part(name: str, *locations: str) -> Registry:
    return PartRegistry(name, scope='rcg', locations=list(locations),
                        build_func=_with_hints(root.build_from_cfg))


# What the method is made of.
ENCODERS = _part('encoder', 'rcg.models.encoders')
TOKENIZERS = _part('tokenizer', 'rcg.models.tokenizers')
REPRESENTATION_DIFFUSERS = _part('representation diffuser',
                                 'rcg.models.diffusers')
PIXEL_GENERATORS = _part('pixel generator', 'rcg.models.generators')
# What turns uint8 images into features for the metrics.
FEATURE_EXTRACTORS = _part('feature extractor', 'rcg.evaluation')
PARTS = (ENCODERS, TOKENIZERS, REPRESENTATION_DIFFUSERS, PIXEL_GENERATORS,
         FEATURE_EXTRACTORS)

# Runner models, and networks inside a part.
MODELS = _child('MODELS', 'rcg.models', 'rcg.engine')
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
HOOKS = _child('HOOKS', 'rcg.engine')
STRATEGIES = _child('STRATEGIES', 'rcg.engine')
OPTIMIZERS = _child('OPTIMIZERS', 'rcg.engine')
OPTIM_WRAPPERS = _child('OPTIM_WRAPPERS', 'rcg.engine')
OPTIM_WRAPPER_CONSTRUCTORS = _child('OPTIM_WRAPPER_CONSTRUCTORS',
                                    'rcg.engine')
PARAM_SCHEDULERS = _child('PARAM_SCHEDULERS', 'rcg.engine')
LOG_PROCESSORS = _child('LOG_PROCESSORS', 'rcg.engine')
MODEL_WRAPPERS = _child('MODEL_WRAPPERS', 'rcg.engine')
WEIGHT_INITIALIZERS = _child('WEIGHT_INITIALIZERS', 'rcg.engine')
VISUALIZERS = _child('VISUALIZERS', 'rcg.engine')
VISBACKENDS = _child('VISBACKENDS', 'rcg.engine')
INFERENCERS = _child('INFERENCERS', 'rcg.apis')
