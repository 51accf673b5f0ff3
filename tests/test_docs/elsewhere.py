"""Commands that the tests of pages do not run: who does, or why nobody does.

Keys are beginnings of commands, as regular expressions.
"""
# Files of tests that run the command or one like it, or what else does.
RUN_BY = {
    r'bash tools/(quickstart|run_tests|build_docs|check_release|run_faults)'
    r'\.sh': '.ci/run', r'\.venv/bin/ruff': '.ci/run',
    'bash tools/(dist|slurm)_[a-z_]+.sh (configs/rcg|projects)':
        'tests/test_tools/test_launch.py',
    r"python '\$RCG/tools/": 'tests/test_docs/test_extend.py',
    'python tools/demo.py': 'tests/test_apis/test_demo/test_page.py',
    'python tools/test.py projects/gaussian':
        'tests/test_projects/test_readme.py',
    'python -m rcg.projects.comparison':
        'tests/test_projects/test_comparison/test_main.py',
    'python -m rcg.projects.condition_noise --':
        'tests/test_projects/test_condition_noise/test_main.py',
    r'python -m rcg.projects.condition_noise.generalization':
        'tests/test_projects/test_condition_noise/test_generalization.py',
    'python -m rcg.projects.preset_search':
        'tests/test_projects/test_preset_search/test_search.py',
    'python tools/convert_checkpoint.py':
        'tests/test_tools/test_convert_checkpoint.py',
    'python tools/check_full_size.py':
        'tests/test_tools/test_check_full_size.py',
    'python tools/verify_reference.py':
        'tests/test_tools/test_verify_reference.py',
    'python tools/verify_metrics.py':
        'tests/test_tools/test_verify_metrics.py',
    'python tools/benchmark_evaluation.py':
        'tests/test_apis/test_evaluation_cost.py',
    'python tools/benchmark.py':
        'tests/test_apis/test_benchmarking/test_run.py',
    'python tools/prepare_imagenet_val.py':
        'tests/test_tools/test_prepare_imagenet_val.py',
}
# What no test can run, and why.
NOT_RUN = {
    'bash .ci/run': 'it runs the tests',
    'pip install': 'needs a download; .ci/run installs what pages name',
    r'python tools/\w+.py (configs/(rcg|rdm)/|projects/\w+/configs/imagenet)':
        'needs ImageNet and weights of days on many GPUs',
    'python tools/measure_tokenizer.py configs/_base_': 'needs a download',
    'python docs/draw_looks_bad.py': 'trains for minutes',
    'python docs/draw_demo.py': 'needs Gradio and Chromium',
    'python tools/train.py CONFIG --dry-run': 'docs/runs.md has a real one',
}
