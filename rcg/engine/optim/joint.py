"""Several optimizers for the parts of one model."""
from mmengine.optim import OptimWrapper, OptimWrapperDict, build_optim_wrapper
from torch import Tensor, nn

from rcg.engine.optim.autocast import outer_gradient
from rcg.engine.unwrapping import bare_model
from rcg.registry import OPTIM_WRAPPER_CONSTRUCTORS


def single_wrappers(wrapper) -> dict[str, OptimWrapper]:
    """The wrappers of single optimizers in a wrapper.

    Returns:
        By name. A wrapper of one optimizer is returned under ''. The result
        is empty where nothing is optimized by steps, as for a PCA.
    """
    if isinstance(wrapper, OptimWrapperDict):
        return dict(wrapper.items())
    return {'': wrapper}


def is_between_steps(wrapper) -> bool:
    """Whether an optimizer holds no gradients of part of a step."""
    return any(one.should_update()
               for one in single_wrappers(wrapper).values())


class JointOptimWrapper(OptimWrapperDict):
    """Steps all its optimizers after one backward pass of one loss.

    It is for models whose parts need optimizers of their own, but whose loss
    is one sum, such as a tokenizer and its discriminator. MMEngine's class
    leaves backward pass and steps to the model's ``train_step``, which
    MMEngine's DDP wrapper does not call. This class works with any model and
    with DDP.

    Args:
        **wrappers: By name. Precision and accumulation are those of the
            first.

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
        """The wrapper that sets precision and accumulation for all."""
        return next(iter(self.optim_wrappers.values()))

    def optim_context(self, model: nn.Module):
        """Precision and gradient exchange of the forward pass."""
        return self.first.optim_context(model)

    def initialize_count_status(self, *args, **kwargs) -> None:
        """Tell all wrappers where in training they are."""
        for wrapper in self.values():
            wrapper.initialize_count_status(*args, **kwargs)

    def update_params(self, loss: Tensor, step_kwargs: dict | None = None,
                      zero_kwargs: dict | None = None) -> None:
        """Run the backward pass; step, unless gradients still accumulate."""
        loss = self.first.scale_loss(loss)
        self.first.backward(loss, gradient=outer_gradient(loss))
        for wrapper in self.values():
            wrapper._inner_count = self.first._inner_count
        if self.first.should_update():
            for wrapper in self.values():
                wrapper.step(**step_kwargs or {})
                wrapper.zero_grad(**zero_kwargs or {})


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class JointConstructor:
    """Builds an optimizer for each named part of a model.

    ``optim_wrapper = dict(constructor='JointConstructor',
    tokenizer=dict(optimizer=...), adversarial=dict(optimizer=...))``.

    Args:
        optim_wrapper_cfg: For each part (a child of the model) a wrapper's
            config, built by its ``constructor``, or TwoGroupConstructor.
        paramwise_cfg: Belongs to the parts; must be None here.
    """

    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg=None) -> None:
        if paramwise_cfg is not None:
            raise ValueError('paramwise_cfg belongs to a part: '
                             'optim_wrapper=dict(part=dict(paramwise_cfg=..)).')
        self.parts = dict(optim_wrapper_cfg)

    def __call__(self, model: nn.Module) -> JointOptimWrapper:
        """Build one wrapper for each part.

        Raises:
            ValueError: A part is no child of the model, or a trainable
                parameter belongs to no part.
        """
        model = bare_model(model)
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
            name: build_optim_wrapper(children[name], {
                'constructor': 'rcg.TwoGroupConstructor', **cfg})
            for name, cfg in self.parts.items()})
