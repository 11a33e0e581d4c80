"""The formula's weights in PyTorch's networks, and how far two of its tensors lie apart."""

import numpy as np
import torch

from formula import weights


def float32(values, *shape):
    return torch.from_numpy(values.astype(np.float32)).reshape(*shape)


@torch.no_grad()
def load_weights(network):
    """Overwrites every tensor of the network that the formula knows."""
    tensors = network.state_dict()
    for name, values in weights({name: tuple(tensor.shape) for name, tensor in tensors.items()}):
        tensors[name].copy_(torch.from_numpy(values))


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
