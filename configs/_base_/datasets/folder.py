"""A folder of images, and what all presets for it share.

Where it is: RCG_DATA=/path/to/images before a command; any nesting will do.
"""
# The folder of all stages; RCG_ROOT=... changes it.
_root = '{{$RCG_ROOT:work_dirs/folder}}'
_data_root = '{{$RCG_DATA:data/images}}'

# Share of the images that nothing is trained on: scores compare with them.
_held_out_share = .1
# Views of the encoder: may colors change, and images be mirrored?
_keep_colors = False
_flip = True
# Names of the class folders in the order of their labels; None: all that there
# are, sorted. With names, a class may have no images yet.
_classes = None
# Their number, for mage_class_cond.py alone.
_num_classes = int('{{$RCG_CLASSES:10}}')
# Number of stored representations, for *_oracle.py alone: of the images that
# are trained on. tools/store_representations.py prints it.
_num_stored = int('{{$RCG_STORED:1000}}')
# Bits of the values in gray files of 16 bits.
_bits = 16
_num_workers = 4
# Bytes in which the images are kept at the model's size, if all fit.
_max_memory = 2**30
# Whether encoder.py trains the encoder; False for one that is pretrained.
_encoder_is_trained = True
# Images that a test draws.
_num_images = 2000
# Whether a test reports precision and recall; they need four held-out images.
_precision = False
