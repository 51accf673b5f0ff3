"""All registries of rcg.

The parts of the method and of the metrics have registries of their own. An
error then names a part that stands in the place of another, such as a
tokenizer in the place of an encoder. All other registries are children of
MMEngine's, which stay as they are.
"""
import contextlib
import copy
import difflib
import inspect
import re
import traceback
from collections.abc import Collection, Iterator
from types import MethodType

import mmengine.registry as root
from mmengine.config import Config
from mmengine.model import initialize
from mmengine.model.weight_init import PretrainedInit
from mmengine.registry import DefaultScope, Registry, build_functions
from torch import nn


class PartRegistry(Registry):
    """A registry that names the nearest types and arguments in its errors.

    Each module that it builds may have an ``init_cfg``, also if its class is
    no ``BaseModule`` of MMEngine. The initialization runs where MMEngine runs
    it: in ``init_weights()``, which the Runner calls before training.
    """

    def class_of(self, cfg: dict) -> type:
        """The class, or function, that builds the object of a config.

        Raises:
            KeyError: No class has that name. The message names the nearest.
        """
        kind = cfg['type']
        if not isinstance(kind, str):
            return kind
        with self.switch_scope_and_registry(cfg.get('_scope_')) as scoped:
            found = scoped.get(kind)
        if found is None:
            raise KeyError(_unknown(kind, scoped))
        return found

    def build(self, cfg: dict, *args, **kwargs):
        """Build an object from its config, as MMEngine does.

        Raises:
            KeyError: No class has that name. The message names the nearest.
            TypeError: The class has no such argument. The message names the
                nearest.
        """
        init_cfg = None
        if isinstance(cfg, dict) and cfg.get('init_cfg') is not None:
            cls = self.class_of(cfg)
            if _is_module(cls) and not _names_argument(cls, 'init_cfg'):
                cfg = cfg.copy()
                init_cfg = cfg.pop('init_cfg')
        with hints():
            built = super().build(cfg, *args, **kwargs)
        if init_cfg is not None:
            built.init_cfg = copy.deepcopy(init_cfg)
        # MMEngine reaches a module through parents with this method alone.
        if (isinstance(built, nn.Module) and has_init_cfg(built)
                and not hasattr(built, 'init_weights')):
            built.init_weights = MethodType(_init_weights, built)
        return built


def type_name(cfg: dict) -> str:
    """Last name of a config's type: a class, or a name with its module."""
    kind = cfg['type']
    return (kind if isinstance(kind, str) else kind.__name__).rpartition(
        '.')[2]


def has_init_cfg(module: nn.Module) -> bool:
    """Whether a module, or one inside it, has an ``init_cfg``."""
    return any(getattr(inner, 'init_cfg', None) for inner in module.modules())


def _init_weights(module: nn.Module) -> None:
    """Do for a plain module what ``BaseModule.init_weights`` does.

    Its own ``init_cfg`` comes first, those of modules inside it follow.
    'Pretrained' comes last and overwrites both.
    """
    cfgs = getattr(module, 'init_cfg', None) or []
    cfgs = [cfgs] if isinstance(cfgs, dict) else cfgs
    last = [dict(cfg, type='Pretrained') for cfg in cfgs  # our safe reader
            if is_pretrained(cfg)]
    with DefaultScope.overwrite_default_scope('rcg'):
        initialize(module, [cfg for cfg in cfgs if not is_pretrained(cfg)])
        _init_children(module)
        initialize(module, last)
    module.is_init = True


def _init_children(module: nn.Module) -> None:
    for child in module.children():
        # Modules of others, such as timm's, may draw their weights anew in
        # init_weights(): it is called for an init_cfg alone.
        if not has_init_cfg(child):
            continue
        if not hasattr(child, 'init_weights'):
            _init_children(child)
        elif not getattr(child, 'is_init', False):
            child.init_weights()


def is_pretrained(init_cfg: dict) -> bool:
    """Whether an ``init_cfg`` loads a checkpoint."""
    kind = init_cfg['type']
    return type_name(init_cfg) in ('Pretrained', 'PretrainedInit') or (
        inspect.isclass(kind) and issubclass(kind, PretrainedInit))


def _is_module(cls) -> bool:
    return inspect.isclass(cls) and issubclass(cls, nn.Module)


def _names_argument(cls: type, name: str) -> bool:
    return name in inspect.signature(cls).parameters


@contextlib.contextmanager
def hints() -> Iterator[None]:
    """Name the nearest types and arguments in errors of MMEngine.

    MMEngine's Runner builds by MMEngine's own registries. Where these look
    into a registry of ours, the error that leaves this context names the
    nearest words; MMEngine's error is its cause.
    """
    try:
        yield
    except (KeyError, TypeError) as error:
        explained = _explain(error)
        if explained is None:
            raise
        raise explained from error


def _explain(error: Exception) -> Exception | None:
    """The error with a hint; None if no config of ours is to blame."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)
              if frame.f_globals is vars(build_functions)]
    if not frames:
        return None
    # These are arguments of all of MMEngine's build functions.
    cfg, registry = (frames[-1].f_locals[name] for name in (
        'cfg', 'registry'))
    if not (isinstance(registry, PartRegistry)
            and isinstance(cfg, (dict, Config))):
        return None
    kind = cfg.get('type') or cfg.get('runner_type')
    cls = registry.get(kind) if isinstance(kind, str) else kind
    if isinstance(error, TypeError):
        return _explain_argument(error, cls, cfg, registry)
    return None if cls else KeyError(_unknown(kind, registry))


_UNEXPECTED = re.compile(
    r"(.+)\(\) got an unexpected keyword argument '(.+?)'")


def _explain_argument(error: TypeError, cls, cfg: dict,
                      registry: PartRegistry) -> TypeError | None:
    """The error with a hint; None unless an argument in cfg is unknown."""
    found = _UNEXPECTED.match(str(error))
    if not found or found[2] not in cfg:
        return None
    functions = [f'{base.__qualname__}.__init__'
                 for base in getattr(cls, '__mro__', ())]
    if found[1] not in {getattr(cls, '__qualname__', ''), *functions}:
        return None  # some other function, called from there
    return TypeError(f"'{cls.__name__}' ({registry.name}) has no argument "
                     f"'{found[2]}'.{suggestion(found[2], _arguments(cls))}")


def _arguments(cls) -> set[str]:
    """Names of arguments of ``cls(...)``, as far as signatures tell."""
    functions = [cls]
    if inspect.isclass(cls):
        functions = [vars(base)['__init__'] for base in inspect.getmro(cls)
                     if '__init__' in vars(base)]
    names = set()
    for function in filter(inspect.isfunction, functions):
        parameters = inspect.signature(function).parameters
        named = {name for name, parameter in parameters.items()
                 if parameter.kind not in (parameter.VAR_KEYWORD,
                                           parameter.VAR_POSITIONAL)}
        names |= named
        if inspect.Parameter.VAR_KEYWORD not in {
                parameter.kind for parameter in parameters.values()}:
            break
    return names - {'self'}


def _unknown(key: str, registry: Registry) -> str:
    known = {**registry.module_dict,
             **getattr(registry.parent, 'module_dict', {})}
    elsewhere = [f" '{key}' is a {other.name}, not a {registry.name}."
                 for other in PARTS
                 if other is not registry and key in other.module_dict]
    return (f"no {registry.name} is named '{key}' (registry "
            f"'{registry.name}' of scope '{registry.scope}')."
            f'{suggestion(key, known)}{"".join(elsewhere[:1])} A class of '
            'your own must be imported before it is built: '
            'custom_imports=dict(imports=[...]).')


def suggestion(word: str, known: Collection[str]) -> str:
    """A sentence for a message: the nearest known words, or all."""
    near = difflib.get_close_matches(word, list(known), n=3, cutoff=.5)
    if near:
        return f' Did you mean {" or ".join(map(repr, near))}?'
    return ' Known: ' + ', '.join(sorted(known)[:50]) + '.'


def _child(name: str, *locations: str) -> PartRegistry:
    parent = getattr(root, name)
    return PartRegistry(parent.name, parent=parent, scope='rcg',
                        locations=list(locations))


def _part(name: str, *locations: str) -> PartRegistry:
    return PartRegistry(name, scope='rcg', locations=list(locations))


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
