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

import numpy as np
import torch


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


def float32(values, *shape):
    return torch.from_numpy(values.astype(np.float32)).reshape(*shape)


@torch.no_grad()
def load_weights(network):
    """Overwrites every tensor of the network that the formula knows."""
    modules = dict(network.named_modules())
    for p, (name, tensor) in enumerate(network.state_dict().items()):
        path, _, kind = name.rpartition(".")
        r = symmetric(p, tensor.numel())
        if kind in ("weight", "bias"):
            weight = modules[path].weight
            if weight.dim() == 1:
                values = (1.0 if kind == "weight" else 0.0) + 0.1 * r
            else:
                values = r * (1.0 / np.sqrt(float(weight[0].numel())))
        elif kind == "running_mean":
            values = 0.1 * r
        elif kind == "running_var":
            values = 1.0 + 0.5 * r
        else:
            continue
        tensor.copy_(float32(values, tensor.shape))


@torch.no_grad()
def perturb(network, seed):
    """Multiplies every weight by 1 + d, |d| < 3e-7: about the rounding error of another float32 implementation."""
    generator = torch.Generator().manual_seed(seed)
    for p in network.parameters():
        p.mul_(1 + 3e-7 * (2 * torch.rand(p.shape, generator=generator, dtype=torch.float64).to(p.dtype) - 1))
    return network


def distance(value, truth):
    """|value - truth| / |truth| in the 2-norm, and the largest difference over the largest magnitude."""
    difference = value.double() - truth.double()
    return (difference.norm() / truth.norm()).item(), (difference.abs().max() / truth.abs().max()).item()
