"""The networks of the benchmarks, as somebody who wants PyTorch to be fast would write them.

Parameter names are those of Gatun's networks, so that the gradients can be compared one by one. Attention goes through
scaled_dot_product_attention. cifar-unet is the class of the golden files but for that, and for what would keep it from a GPU's best.
"""

import math
import pathlib
import sys
from typing import NamedTuple

import torch
from torch import nn
from torch.nn.functional import interpolate, scaled_dot_product_attention

import mnist_unet

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "ddpm/src/test/golden"))

import cifar_unet  # noqa: E402, from that folder


# ddpm-unet: Ho et al. 2020 with attention at every resolution ---------------------------------------------------------


class InterleavedEmbedding(nn.Module):
    """[sin(w0 t), cos(w0 t), sin(w1 t), ...] of `width` numbers, w_k = 10000^(-2k/width)."""

    def __init__(self, width):
        super().__init__()
        self.register_buffer("wk", 10000.0 ** (-torch.arange(0, width, 2) / width))

    def forward(self, t):
        angles = t[:, None].float() * self.wk
        return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(1)


class SelfAttention(nn.Module):
    def __init__(self, channels, heads=4):
        super().__init__()
        self.heads = heads
        self.in_proj = nn.Linear(channels, 3 * channels)
        self.out_proj = nn.Linear(channels, channels)

    def forward(self, x):
        n, c, h, w = x.shape
        qkv = self.in_proj(x.flatten(2).transpose(1, 2))
        q, k, v = (a.view(n, h * w, self.heads, c // self.heads).transpose(1, 2) for a in qkv.chunk(3, dim=-1))
        y = scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, h * w, c)
        return self.out_proj(y).transpose(1, 2).view(n, c, h, w)


class AttentionBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm = nn.GroupNorm(1, channels)
        self.attn = SelfAttention(channels)

    def forward(self, x):
        return x + self.attn(self.norm(x))


class ResidualBlock(nn.Module):
    def __init__(self, channels, out_channels, time_width, groups):
        super().__init__()
        self.mlp = nn.Sequential(nn.SiLU(), nn.Linear(time_width, out_channels))
        self.block1 = self.block(channels, out_channels, groups)
        self.block2 = self.block(out_channels, out_channels, groups)
        self.res_conv = nn.Conv2d(channels, out_channels, 1) if channels != out_channels else nn.Identity()

    @staticmethod
    def block(channels, out_channels, groups):
        return nn.Sequential(
            nn.Conv2d(channels, out_channels, 3, padding=1), nn.GroupNorm(groups, out_channels), nn.SiLU()
        )

    def forward(self, x, time):
        return self.block2(self.block1(x) + self.mlp(time)[:, :, None, None]) + self.res_conv(x)


class DownBlock(nn.Module):
    def __init__(self, channels, out_channels, time_width, groups, halves):
        super().__init__()
        self.block0 = ResidualBlock(channels, out_channels, time_width, groups)
        self.block1 = ResidualBlock(out_channels, out_channels, time_width, groups)
        self.attn = AttentionBlock(out_channels)
        self.downsample = nn.Conv2d(out_channels, out_channels, 4, 2, 1) if halves else nn.Identity()

    def forward(self, x, time):
        skip = self.attn(self.block1(self.block0(x, time), time))
        return self.downsample(skip), skip


class UpBlock(nn.Module):
    def __init__(self, channels, out_channels, time_width, groups):
        super().__init__()
        self.block0 = ResidualBlock(2 * channels, out_channels, time_width, groups)
        self.block1 = ResidualBlock(out_channels, out_channels, time_width, groups)
        self.attn = AttentionBlock(out_channels)
        self.upsample = nn.ConvTranspose2d(out_channels, out_channels, 4, 2, 1)

    def forward(self, x, skip, time):
        x = self.block0(torch.cat((x, skip), 1), time)
        return self.upsample(self.attn(self.block1(x, time)))


class MidBlock(nn.Module):
    def __init__(self, channels, time_width, groups):
        super().__init__()
        self.mid_block1 = ResidualBlock(channels, channels, time_width, groups)
        self.mid_attn = AttentionBlock(channels)
        self.mid_block2 = ResidualBlock(channels, channels, time_width, groups)

    def forward(self, x, time):
        return self.mid_block2(self.mid_attn(self.mid_block1(x, time)), time)


class DdpmUnet(nn.Module):
    def __init__(self, image_channels, channels, multipliers, groups, max_steps):
        super().__init__()
        width = 4 * channels
        widths = [m * channels for m in multipliers]
        last = len(widths) - 1
        self.init_conv = nn.Conv2d(image_channels, channels, 7, padding=3)
        self.time_mlp = nn.Sequential(
            InterleavedEmbedding(max_steps), nn.Linear(max_steps, width), nn.GELU(), nn.Linear(width, width)
        )
        self.downs = nn.ModuleList(
            DownBlock(a, b, width, groups, i < last) for i, (a, b) in enumerate(zip([channels, *widths], widths))
        )
        self.mid = MidBlock(widths[-1], width, groups)
        self.ups = nn.ModuleList(UpBlock(widths[i], widths[i - 1], width, groups) for i in range(last, 0, -1))
        self.final_block = ResidualBlock(channels, channels, width, groups)
        self.final_conv = nn.Conv2d(channels, image_channels, 1)

    def forward(self, x, t):
        time = self.time_mlp(t)
        x = self.init_conv(x)
        skips = []
        for down in self.downs:
            x, skip = down(x, time)
            skips.append(skip)
        x = self.mid(x, time)
        for up in self.ups:
            x = up(x, skips.pop(), time)
        return self.final_conv(self.final_block(x, time))


# simple-unet: batch normalization after each ReLU ---------------------------------------------------------------------


class ConcatenatedEmbedding(nn.Module):
    """[sin(w0 t), sin(w1 t), ..., cos(w0 t), ...] of `width` numbers, w_k = 10000^(-k/(width/2 - 1))."""

    def __init__(self, width):
        super().__init__()
        half = width // 2
        self.register_buffer("w", torch.exp(torch.arange(half) * -(math.log(10000) / (half - 1))), persistent=False)

    def forward(self, t):
        angles = t[:, None].float() * self.w
        return torch.cat((angles.sin(), angles.cos()), dim=-1)


class BatchNormBlock(nn.Module):
    def __init__(self, channels, out_channels, time_width, doubles):
        super().__init__()
        self.time_mlp = nn.Linear(time_width, out_channels)
        self.conv1 = nn.Conv2d(2 * channels if doubles else channels, out_channels, 3, padding=1)
        kind = nn.ConvTranspose2d if doubles else nn.Conv2d
        self.transform = kind(out_channels, out_channels, 4, 2, 1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.bnorm1 = nn.BatchNorm2d(out_channels)
        self.bnorm2 = nn.BatchNorm2d(out_channels)

    def forward(self, x, time):
        h = self.bnorm1(self.conv1(x).relu()) + self.time_mlp(time).relu()[:, :, None, None]
        return self.transform(self.bnorm2(self.conv2(h).relu()))


class SimpleUnet(nn.Module):
    def __init__(self, image_channels=3, channels=(64, 128, 256, 512, 1024), time_width=32):
        super().__init__()
        pairs = list(zip(channels, channels[1:]))
        self.time_mlp = nn.Sequential(ConcatenatedEmbedding(time_width), nn.Linear(time_width, time_width), nn.ReLU())
        self.conv0 = nn.Conv2d(image_channels, channels[0], 3, padding=1)
        self.downs = nn.ModuleList(BatchNormBlock(a, b, time_width, False) for a, b in pairs)
        self.ups = nn.ModuleList(BatchNormBlock(b, a, time_width, True) for a, b in reversed(pairs))
        self.output = nn.Conv2d(channels[0], image_channels, 1)

    def forward(self, x, t):
        time = self.time_mlp(t)
        x = self.conv0(x)
        skips = []
        for down in self.downs:
            x = down(x, time)
            skips.append(x)
        for up in self.ups:
            x = up(torch.cat((x, skips.pop()), 1), time)
        return self.output(x)


# cifar-unet: the golden files', with what PyTorch is fastest with -------------------------------------------------------


class FastAttention(cifar_unet.Attention):
    def forward(self, x):
        pixels = self.group_norm(x).flatten(2).transpose(1, 2)
        q, k, v = (f(pixels)[:, None] for f in (self.to_q, self.to_k, self.to_v))
        y = self.to_out(scaled_dot_product_attention(q, k, v)[:, 0])
        return x + y.transpose(1, 2).reshape(x.shape)


class FastStepEmbedding(cifar_unet.StepEmbedding):
    """With the frequencies on the device: no copy from the host in a step."""

    def __init__(self, width, hidden):
        super().__init__(width, hidden)
        exponent = -math.log(10000) * torch.arange(self.half, dtype=torch.float32) / (self.half - 1)
        self.register_buffer("frequencies", torch.exp(exponent), persistent=False)

    def wave(self, t):
        angles = t[:, None].float() * self.frequencies
        return torch.cat((angles.sin(), angles.cos()), dim=1)


class FastResampler(cifar_unet.Resampler):
    def forward(self, x):
        return self.conv(interpolate(x, scale_factor=2.0)) if self.conv.stride == (1, 1) else super().forward(x)


def fast_cifar_unet():
    fast = {"Attention": FastAttention, "StepEmbedding": FastStepEmbedding, "Resampler": FastResampler}
    slow = {name: getattr(cifar_unet, name) for name in fast}
    vars(cifar_unet).update(fast)
    try:
        return cifar_unet.CifarUnet(3, [128, 256, 256, 256], 32)
    finally:
        vars(cifar_unet).update(slow)


# The table ------------------------------------------------------------------------------------------------------------


class Network(NamedTuple):
    """Makes the network; [channels, height, width] of its images; T; whether it is given (t + 1) / T, not t."""

    create: object
    image: tuple
    steps: int
    fraction: bool = False


NETWORKS = {
    "mnist-unet": Network(mnist_unet.Unet, (1, 28, 28), 1000, fraction=True),
    "ddpm-unet": Network(lambda: DdpmUnet(1, 32, (1, 2, 4), 4, 1000), (1, 28, 28), 1000),
    "simple-unet": Network(SimpleUnet, (3, 64, 64), 300),
    "cifar-unet": Network(fast_cifar_unet, (3, 32, 32), 1000),
}
