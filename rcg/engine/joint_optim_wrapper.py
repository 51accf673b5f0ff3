"""One loss and one backward pass, several optimizers."""
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor, nn

from rcg.registry import OPTIM_WRAPPER_CONSTRUCTORS


class JointOptimWrapper(OptimWrapperDict):
    """Steps all its optimizers after one backward pass of one loss.

    For models whose parts want settings of their own but whose gradients
    come from one sum, like a tokenizer and its discriminator. MMEngine's
    ``OptimWrapperDict`` leaves both to the model's ``train_step``, which its
    DDP wrapper does not call; this one works with stock models and DDP.

    Args:
        **wrappers: Optimizer wrapper by name. The first one's precision and
            accumulation hold for all.

    Raises:
        ValueError: They accumulate different numbers of micro-batches.
        TypeError: One of them scales the loss.
    """

    def __init__(self, **wrappers: OptimWrapper) -> None:
        super().__init__(**wrappers)
        counts = {name: wrapper._accumulative_counts
                  for name, wrapper in wrappers.items()}
        if len(set(counts.values())) > 1:
            raise ValueError('all optimizers must have the same '
                             f'accumulative_counts, got {counts}.')
        for name, wrapper in wrappers.items():
            if hasattr(wrapper, 'loss_scaler'):
                raise TypeError(
                    f"'{name}' is a {type(wrapper).__name__}, which scales "
                    'the loss that all optimizers share; use '
                    "type='AutocastOptimWrapper' (bfloat16).")

    @property
    def first(self) -> OptimWrapper:
        """The wrapper that stands for all where only one can act."""
        return next(iter(self.optim_wrappers.values()))

    def optim_context(self, model: nn.Module):
        """Precision and gradient exchange of the forward pass."""
        return self.first.optim_context(model)

    def initialize_count_status(self, model: nn.Module, cur_iter: int,
                                max_iters: int) -> None:
        """Tell all wrappers where in training they are."""
        for wrapper in self.values():
            wrapper.initialize_count_status(model, cur_iter, max_iters)

    def update_params(self, loss: Tensor, step_kwargs: dict | None = None,
                      zero_kwargs: dict | None = None) -> None:
        """Backward; then, unless gradients still accumulate, all steps."""
        self.first.backward(self.first.scale_loss(loss))
        for wrapper in self.values():
            wrapper._inner_count = self.first._inner_count
        if self.first.should_update():
            for wrapper in self.values():
                wrapper.step(**step_kwargs or {})
                wrapper.zero_grad(**zero_kwargs or {})


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class JointConstructor:
    """An optimizer for each named part of a model.

    ``optim_wrapper = dict(constructor='JointConstructor',
    tokenizer=dict(optimizer=...), adversarial=dict(optimizer=...))``.

    Args:
        optim_wrapper_cfg: For each part (a child of the model) the config of
            an optimizer wrapper, built by its own ``constructor``,
            'TwoGroupConstructor' by default.
        paramwise_cfg: Belongs to the parts; must be None here.
    """

    def __init__(self, optim_wrapper_cfg: dict,
                 paramwise_cfg: dict | None = None) -> None:
        if paramwise_cfg is not None:
            raise ValueError('paramwise_cfg belongs to a part: '
                             'optim_wrapper=dict(part=dict(paramwise_cfg=..)).')
        self.parts = dict(optim_wrapper_cfg)

    def __call__(self, model: nn.Module) -> JointOptimWrapper:
        """Build one wrapper a part.

        Raises:
            ValueError: A part is no child of the model, or a trainable
                parameter belongs to no part.
        """
        if is_model_wrapper(model):
            model = model.module
        children = dict(model.named_children())
        for name in self.parts:
            if name not in children:
                raise ValueError(
                    f"optim_wrapper names a part '{name}', but "
                    f'{type(model).__name__} has {sorted(children)}.')
        left = [name for name, p in model.named_parameters()
                if p.requires_grad and name.split('.')[0] not in self.parts]
        if left:
            raise ValueError(
                f'no optimizer in optim_wrapper for {left[:3]} and others '
                f'({len(left)} in all); add their parts.')
        return JointOptimWrapper(**{
            name: self._build(cfg, children[name])
            for name, cfg in self.parts.items()
        })

    @staticmethod
    def _build(cfg: dict, part: nn.Module) -> OptimWrapper:
        cfg = dict(cfg)
        constructor = OPTIM_WRAPPER_CONSTRUCTORS.build(dict(
            type=cfg.pop('constructor', 'TwoGroupConstructor'),
            paramwise_cfg=cfg.pop('paramwise_cfg', None),
            optim_wrapper_cfg=cfg))
        return constructor(part)
