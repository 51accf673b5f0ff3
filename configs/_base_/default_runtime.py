# What all runs share: hooks, logs, random numbers.
default_scope = 'rcg'
runner_type = 'RcgRunner'

# Of weights, dropout and the training data's order and random numbers, unless
# the sampler has a seed. Images to score have the seed of their SeedDataset.
randomness = dict(seed=0)
resume = False
load_from = None

env_cfg = dict(
    # Not even for images of one size: each start would time the convolutions
    # of a GPU anew and may choose others, so that a resumed run rounds
    # otherwise than it would have. True is for who does without that, with
    # many convolutions (ADM, LDM, tokenizers); of no effect on a CPU.
    cudnn_benchmark=False,
    # TF32 for products of float32 on a GPU; exact: 'highest'. Nearest codes
    # and the features behind scores are always exact.
    float32='high',
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    # Seconds (here 30 minutes) that processes wait for one that does not get
    # on; then they stop and name it. Each step, batch of a validation or test
    # and batch of features counts. Processes talk through NCCL, without GPUs
    # gloo.
    dist_cfg=dict(timeout=1800),
)

default_hooks = dict(
    runtime_info=dict(type='LightRuntimeInfoHook'),
    timer=None,  # ProgressHook measures time
    sampler_seed=None,  # StreamSampler counts samples, not epochs
    logger=dict(type='ProgressHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='PlainCheckpointHook', interval=1000,
                    max_keep_ckpts=2),
    iter_seed=dict(type='IterSeedHook'),
    # A run that was killed in a validation begins with it.
    validation=dict(type='ResumeValidationHook'),
    # SIGTERM, SIGUSR1, SIGHUP, SIGINT: finish the step, save, leave with exit
    # status 75 (130 after SIGINT); at the latest after so many seconds.
    stop=dict(type='StopOnSignalHook', limit=300),
    environment=dict(type='EnvironmentHook'),
    # Skips steps with NaN or infinity; ends after so many in a row.
    non_finite=dict(type='NonFiniteHook', patience=10),
    disk_space=dict(type='DiskSpaceHook'),
)

# The config, scalars (scalars.json has JSON lines) and pictures, in
# <work_dir>/<time>/vis_data/.
visualizer = dict(
    type='ScalarVisualizer',
    vis_backends=[dict(type='LocalVisBackend'),
                  dict(type='TensorboardVisBackend')],
)
log_processor = dict(by_epoch=False)  # for MMEngine's hooks, if added
log_level = 'INFO'
