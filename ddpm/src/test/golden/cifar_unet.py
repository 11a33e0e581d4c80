"""The DDPM U-Net for CIFAR-10 in PyTorch, under the names of diffusers' UNet2DModel, for unets.py.

Ho et al. 2020, appendix B, with the configuration of google/ddpm-cifar10-32: two pre-activation residual blocks per
resolution on the way down and three on the way up, one head of attention at the second resolution and in the middle,
strided convolutions that pad below and to the right, nearest-neighbour enlargement. Dropout is left out: its random
numbers are not PyTorch's.
"""

import math

import torch
from torch import nn

EPSILON = 1e-6
ATTENTION = 1  # the resolution that attends


class StepEmbedding(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.half = width // 2
        self.linear_1 = nn.Linear(width, hidden)
        self.linear_2 = nn.Linear(hidden, hidden)

    def wave(self, t):
        """The sines, then the cosines, in float32."""
        exponent = -math.log(10000) * torch.arange(self.half, dtype=torch.float32) / (self.half - 1)
        angles = t[:, None].float() * torch.exp(exponent)[None, :]
        return torch.cat((torch.sin(angles), torch.cos(angles)), dim=1)

    def forward(self, t):
        wave = self.wave(t).to(self.linear_1.weight.dtype)
        return self.linear_2(nn.functional.silu(self.linear_1(wave)))


class Residual(nn.Module):
    def __init__(self, channels, out_channels, time_width, groups):
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, channels, eps=EPSILON)
        self.conv1 = nn.Conv2d(channels, out_channels, 3, padding=1)
        self.time_emb_proj = nn.Linear(time_width, out_channels)
        self.norm2 = nn.GroupNorm(groups, out_channels, eps=EPSILON)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        if channels != out_channels:
            self.conv_shortcut = nn.Conv2d(channels, out_channels, 1)

    def forward(self, x, time):
        h = self.conv1(nn.functional.silu(self.norm1(x)))
        h = h + self.time_emb_proj(nn.functional.silu(time))[:, :, None, None]
        h = self.conv2(nn.functional.silu(self.norm2(h)))
        return h + (self.conv_shortcut(x) if hasattr(self, "conv_shortcut") else x)


class Attention(nn.Module):
    def __init__(self, channels, groups):
        super().__init__()
        self.group_norm = nn.GroupNorm(groups, channels, eps=EPSILON)
        self.to_q = nn.Linear(channels, channels)
        self.to_k = nn.Linear(channels, channels)
        self.to_v = nn.Linear(channels, channels)
        self.to_out = nn.Sequential(nn.Linear(channels, channels))

    def forward(self, x):
        pixels = self.group_norm(x).flatten(2).transpose(1, 2)
        q, k, v = self.to_q(pixels), self.to_k(pixels), self.to_v(pixels)
        weights = torch.softmax(q @ k.transpose(1, 2) / math.sqrt(q.shape[-1]), dim=-1)
        return x + self.to_out(weights @ v).transpose(1, 2).reshape(x.shape)


class Resampler(nn.Module):
    def __init__(self, channels, stride):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=stride, padding=1 if stride == 1 else 0)

    def forward(self, x):
        if self.conv.stride == (1, 1):
            return self.conv(x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3))
        return self.conv(nn.functional.pad(x, (0, 1, 0, 1)))


class Resolution(nn.Module):
    """Residual blocks of `widths` input channels each, with attention behind each where it attends."""

    def __init__(self, widths, out_channels, time_width, groups, attends):
        super().__init__()
        if attends:
            self.attentions = nn.ModuleList(Attention(out_channels, groups) for _ in widths)
        self.resnets = nn.ModuleList(Residual(width, out_channels, time_width, groups) for width in widths)

    def layer(self, i, x, time):
        x = self.resnets[i](x, time)
        return self.attentions[i](x) if hasattr(self, "attentions") else x


class Middle(nn.Module):
    def __init__(self, channels, time_width, groups):
        super().__init__()
        self.attentions = nn.ModuleList([Attention(channels, groups)])
        self.resnets = nn.ModuleList(Residual(channels, channels, time_width, groups) for _ in range(2))

    def forward(self, x, time):
        return self.resnets[1](self.attentions[0](self.resnets[0](x, time)), time)


class CifarUnet(nn.Module):
    def __init__(self, image_channels, widths, groups):
        super().__init__()
        first, last = widths[0], len(widths) - 1
        time_width = 4 * first
        self.conv_in = nn.Conv2d(image_channels, first, 3, padding=1)
        self.time_embedding = StepEmbedding(first, time_width)
        self.down_blocks, self.up_blocks = nn.ModuleList(), nn.ModuleList()
        skips = [first]
        for i, width in enumerate(widths):
            block = Resolution((skips[-1], width), width, time_width, groups, i == ATTENTION)
            skips += [width, width]
            if i < last:
                block.downsamplers = nn.ModuleList([Resampler(width, 2)])
                skips.append(width)
            self.down_blocks.append(block)
        below = widths[last]
        for i in reversed(range(len(widths))):
            inputs = [below + skips.pop(), widths[i] + skips.pop(), widths[i] + skips.pop()]
            block = Resolution(inputs, widths[i], time_width, groups, i == ATTENTION)
            if i > 0:
                block.upsamplers = nn.ModuleList([Resampler(widths[i], 1)])
            self.up_blocks.append(block)
            below = widths[i]
        self.mid_block = Middle(widths[last], time_width, groups)
        self.conv_norm_out = nn.GroupNorm(groups, first, eps=EPSILON)
        self.conv_out = nn.Conv2d(first, image_channels, 3, padding=1)

    def forward(self, x, t):
        time = self.time_embedding(t)
        x = self.conv_in(x)
        skips = [x]
        for block in self.down_blocks:
            for i in range(2):
                x = block.layer(i, x, time)
                skips.append(x)
            if hasattr(block, "downsamplers"):
                x = block.downsamplers[0](x)
                skips.append(x)
        x = self.mid_block(x, time)
        for block in self.up_blocks:
            for i in range(3):
                x = block.layer(i, torch.cat((x, skips.pop()), dim=1), time)
            if hasattr(block, "upsamplers"):
                x = block.upsamplers[0](x)
        return self.conv_out(nn.functional.silu(self.conv_norm_out(x)))
