"""make_outlier.py WEIGHTS: gives a CLIP encoder a channel that reaches far further than the others, as large ones have."""

import sys

from safetensors.numpy import load_file, save_file

CHANNEL, REACH = 3, 60
path = sys.argv[1]
weights = load_file(path)
(name,) = [name for name in weights if name.endswith("pre_layrnorm.bias")]
weights[name][CHANNEL] += REACH
save_file(weights, path)
