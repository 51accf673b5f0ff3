"""What the commands of tools/ do, as functions; trained models from Python.

A name is imported when it is first used: some commands need no PyTorch.
Sweeps are in :mod:`rcg.apis.sweep`, the conversion of weights in
:mod:`rcg.converters`, and checks of an installation in
:mod:`rcg.verification`.
"""
import importlib

# Name: module that defines it.
_MODULES = {
    'RCGInferencer': 'inferencer',
    'benchmark': 'benchmarking',
    'benchmark_evaluation': 'evaluation_cost',
    'cache_features': 'feature_caching',
    'check_dataset': 'dataset_check',
    'check_full_size': 'full_size',
    'check_run': 'before_run',
    'compare_curves': 'curves',
    'compare_guidance': 'sampling',
    'compare_metrics': 'metrics_comparison',
    'compare_samplers': 'sampler_comparison',
    'diff_config': 'config_keys',
    'fit': 'fitting',
    'interpolate_images': 'sampling',
    'labelled_grid': 'grid',
    'list_configs': 'listing',
    'list_parts': 'listing',
    'load_images': 'images',
    'measure_tokenizer': 'tokenizer_quality',
    'prepare_imagenet_val': 'imagenet_val',
    'preview': 'training',
    'print_config': 'config_keys',
    'redraw_images': 'sampling',
    'probe_features': 'probing',
    'report': 'reporting',
    'sample_images': 'sampling',
    'score_images': 'scoring',
    'serve_demo': 'demo',
    'store_representations': 'stored_representations',
    'test': 'testing',
    'train': 'training',
    'write_reference_statistics': 'reference_statistics',
}
__all__ = sorted(_MODULES)


def __getattr__(name: str):
    if name not in _MODULES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    module = importlib.import_module(f'{__name__}.{_MODULES[name]}')
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
