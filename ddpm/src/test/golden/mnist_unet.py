#!/usr/bin/env python3
"""Golden values of the MNIST U-Net (864,609 parameters): output, gradients, ten Adam steps.

    python mnist_unet.py --out ../resources/golden        needs torch, numpy, safetensors

Weights and batches follow the formula of formula.py.

Batch b of n images (b = 0: the check of the benchmarks; b = 1: the golden values, n = 4; b = 97..106: Adam, n = 2):
    target[i] = sqrt(3) * r(1001 + 4 b, i)                              unit variance
    x[i]      = 0.6 * r(1000 + 4 b, i) + 0.8 * target[i]                target before its rounding
    t[i]      = (1 + floor(1000 * u(1002 + 4 b, i))) / 1000             but the golden values have t = GOLDEN_T

Max pooling, ReLU and Adam's first steps are not smooth: a rounding error near a kink can move later losses by 1e-4.
The batches below keep clear of the kinks; main() proves it with perturbed weights.
"""

import argparse
import pathlib

import numpy as np
import torch
from torch import nn

from formula import distance, float32, load_weights, perturb, symmetric, uniform

PARAMETERS = 864_609
GOLDEN_T = (1 / 1000, 250 / 1000, 0.5, 1.0)
GOLDEN_BATCH = 1
ADAM_BATCHES = range(97, 107)
ADAM_IMAGES = 2
PERTURBED_RUNS = 20


# The batches ---------------------------------------------------------------------------------------------------------


def formula_batch(b, images):
    """x [n,1,28,28], t [n] and target [n,1,28,28] of batch b, float32."""
    count = images * 28 * 28
    target = np.sqrt(3.0) * symmetric(1001 + 4 * b, count)
    x = 0.6 * symmetric(1000 + 4 * b, count) + 0.8 * target
    t = (1.0 + np.floor(1000.0 * uniform(1002 + 4 * b, images))) / 1000.0
    shape = (images, 1, 28, 28)
    return float32(x, *shape), float32(t, images), float32(target, *shape)


# The network ---------------------------------------------------------------------------------------------------------


def norm_relu(channels):
    return nn.GroupNorm(8, channels), nn.ReLU()


class ConvBlock(nn.Module):
    """3x3 convolution, group normalisation, ReLU; keeps height and width."""

    def __init__(self, channels_in, channels_out):
        super().__init__()
        self.block = nn.Sequential(nn.Conv2d(channels_in, channels_out, 3, padding=1), *norm_relu(channels_out))

    def forward(self, x):
        return self.block(x)


class Down(nn.Module):
    def __init__(self, channels_in, channels_out):
        super().__init__()
        self.model = nn.Sequential(ConvBlock(channels_in, channels_out), nn.MaxPool2d(2))

    def forward(self, x):
        return self.model(x)


class Up(nn.Module):
    """Doubles height and width of [x, skip]; output_padding makes an odd size reachable."""

    def __init__(self, channels_in, channels_out, output_padding=0):
        super().__init__()
        self.model = nn.Sequential(
            nn.ConvTranspose2d(channels_in, channels_out, 2, stride=2, output_padding=output_padding),
            ConvBlock(channels_out, channels_out),
        )

    def forward(self, x, skip):
        return self.model(torch.cat((x, skip), dim=1))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.initial_features = nn.Sequential(nn.Conv2d(1, 64, 3, padding=1), *norm_relu(64))
        self.down1 = Down(64, 64)
        self.down2 = Down(64, 128)
        self.down3 = Down(128, 128)
        self.down4 = nn.Sequential(nn.AvgPool2d(3), nn.ReLU())

    def forward(self, x):
        features = self.initial_features(x)  # 64x28x28
        d1 = self.down1(features)  # 64x14x14
        d2 = self.down2(d1)  # 128x7x7
        d3 = self.down3(d2)  # 128x3x3
        return features, d1, d2, d3, self.down4(d3)  # 128x1x1


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.up1 = nn.Sequential(nn.ConvTranspose2d(128, 128, 3, stride=3), *norm_relu(128))
        self.up2 = Up(256, 128, output_padding=1)
        self.up3 = Up(256, 64)
        self.up4 = Up(128, 64)
        self.out = nn.Conv2d(128, 1, 3, padding=1)

    def forward(self, latent, d3, d2, d1, features):
        u = self.up1(latent)
        u = self.up2(u, d3)
        u = self.up3(u, d2)
        u = self.up4(u, d1)
        return self.out(torch.cat((u, features), dim=1))


class TimeEmbedding(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.lin1 = nn.Linear(1, 32, bias=False)
        self.lin2 = nn.Linear(32, width)

    def forward(self, t):
        return self.lin2(torch.sin(self.lin1(t.view(-1, 1))))[:, :, None, None]


class Unet(nn.Module):
    """Predicts the noise in x [n,1,28,28] at t [n], the step divided by the number of steps."""

    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.decoder = Decoder()
        self.time_embedding_layer = TimeEmbedding(128)

    def forward(self, x, t):
        features, d1, d2, d3, latent = self.encoder(x)
        return self.decoder(latent + self.time_embedding_layer(t), d3, d2, d1, features)


def formula_unet(dtype=torch.float32):
    network = Unet()
    assert sum(p.numel() for p in network.parameters()) == PARAMETERS
    assert [n for n, _ in network.named_parameters()] == list(network.state_dict())
    load_weights(network)
    return network.to(dtype)


# The golden values ---------------------------------------------------------------------------------------------------


def forward_backward(network, dtype):
    """Output, loss, the gradient of every parameter and of x on the golden batch, computed in dtype."""
    x, _, target = (v.to(dtype) for v in formula_batch(GOLDEN_BATCH, len(GOLDEN_T)))
    t = torch.tensor(GOLDEN_T, dtype=torch.float32).to(dtype)
    x.requires_grad_()
    output = network(x, t)
    loss = nn.functional.mse_loss(output, target)
    loss.backward()
    values = {"x": x, "t": t, "target": target, "output": output, "loss": loss.reshape(1), "grad.x": x.grad}
    values.update({"grad." + name: p.grad for name, p in network.named_parameters()})
    return {name: v.detach() for name, v in values.items()}


def adam_losses(network, dtype):
    """The loss before each of ten Adam updates (lr 1e-3, betas 0.9 0.999, eps 1e-8), one batch each."""
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)
    losses = []
    for b in ADAM_BATCHES:
        x, t, target = (v.to(dtype) for v in formula_batch(b, ADAM_IMAGES))
        loss = nn.functional.mse_loss(network(x, t), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return torch.tensor(losses, dtype=dtype)


def main():
    from safetensors.torch import save_file

    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--out", type=pathlib.Path, required=True, help="folder for mnist_unet.safetensors")
    out = arguments.parse_args().out
    out.mkdir(parents=True, exist_ok=True)

    single, double = torch.float32, torch.float64
    truth = forward_backward(formula_unet(double), double)
    runs = [forward_backward(formula_unet(single), single)]
    runs += [forward_backward(perturb(formula_unet(single), seed), single) for seed in range(PERTURBED_RUNS)]
    print("PyTorch's float32 against float64 (2-norm, maximum), then the worst 2-norm with perturbed weights:")
    for name in truth:
        worst = max(distance(run[name], truth[name])[0] for run in runs)
        print("  %-45s %.1e  %.1e  %.1e" % (name, *distance(runs[0][name], truth[name]), worst))
        assert worst < 1e-5, "the golden batch lies on a kink"

    losses, losses64 = adam_losses(formula_unet(single), single), adam_losses(formula_unet(double), double)
    runs = [losses] + [adam_losses(perturb(formula_unet(single), s), single) for s in range(PERTURBED_RUNS)]
    worst = max(((run.double() - losses64) / losses64).abs().max().item() for run in runs)
    print("Adam losses", losses64.tolist(), "worst relative difference of float32 %.1e" % worst)
    assert worst < 1e-5, "the Adam batches cross a kink"

    golden = {name: v.to(torch.float32).contiguous() for name, v in truth.items()}
    golden.update({"adam.losses": losses, "adam.losses64": losses64})
    names = ",".join(formula_unet().state_dict())
    save_file(golden, out / "mnist_unet.safetensors", metadata={"parameters": names})


if __name__ == "__main__":
    main()
