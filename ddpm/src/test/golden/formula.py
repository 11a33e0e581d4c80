"""Weights and images that follow a formula, so that no file has to hold them.

All integers are unsigned 64-bit and wrap:

    hash(z):   z = z + 0x9E3779B97F4A7C15
               z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9
               z = (z ^ (z >> 27)) * 0x94D049BB133111EB
               z = z ^ (z >> 31)                                        (SplitMix64, Steele et al. 2014)
    u(s, i) =  (hash(s * 2^32 + i) >> 40) / 2^24                        in [0, 1), stream s, element i
    r(s, i) =  2 * u(s, i) - 1                                          in [-1, 1)

Everything is computed in double and then rounded once to float32. Element i counts in PyTorch's row-major order
(OIHW for convolutions, IOHW for transposed ones, NCHW for images).

Weights: s = p is the position of the tensor in state_dict(), from 0.
    convolution, transposed convolution, linear, weight and bias:  r * (1 / sqrt(fan_in))
        fan_in = weight.size(1) * kernel height * kernel width, which for a transposed convolution (PyTorch's
        convention) counts its output channels; a bias takes the bound of its own layer's weight
    normalization:  weight = 1 + 0.1 * r,  bias = 0.1 * r,  running_mean = 0.1 * r,  running_var = 1 + 0.5 * r
    other buffers (frequencies, counters) keep their values
"""

import math

import numpy as np


def uniform(stream, count):
    """u(stream, 0..count-1) as float64."""
    with np.errstate(over="ignore"):
        z = (np.uint64(stream) << np.uint64(32)) + np.arange(count, dtype=np.uint64)
        z = z + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / 2.0**24


def symmetric(stream, count):
    """r(stream, 0..count-1) as float64."""
    return 2.0 * uniform(stream, count) - 1.0


def weights(shapes):
    """Of {name: shape} of a whole state_dict, in its order, yields the names that the formula knows, with their float32 values."""
    for p, (name, shape) in enumerate(shapes.items()):
        path, _, kind = name.rpartition(".")
        r = symmetric(p, math.prod(shape))
        if kind in ("weight", "bias"):
            of_layer = shapes[f"{path}.weight"]
            if len(of_layer) == 1:
                values = (1.0 if kind == "weight" else 0.0) + 0.1 * r
            else:
                values = r * (1.0 / np.sqrt(float(math.prod(of_layer[1:]))))
        elif kind == "running_mean":
            values = 0.1 * r
        elif kind == "running_var":
            values = 1.0 + 0.5 * r
        else:
            continue
        yield name, values.astype(np.float32).reshape(shape)
