#!/usr/bin/env python3
"""Golden values of the U-Nets that documents describe and of CifarUnet: outputs, gradients, ten training steps, five sampling steps.

    python unets.py --documents DIR --out ../resources/golden         needs torch, numpy, safetensors, einops
    python unets.py --documents DIR --out LARGE --full simple-unet    one network at its documented size

DIR holds the documents 000 (ddpm-unet), 002 (easy-unet), 003 (mnist-unet) and 004 (simple-unet, sampling), whose own
classes are executed (documents.py); cifar-unet is cifar_unet.py. 002 leaves its forward pass open; EasyUnet below completes
it, with the choices that EasyUnet.java lists.
Weights follow formula.py, and so do images and noise, which are stored as well. One file for each configuration:

    x, noise, t           [N,C,H,W], [N]         x = x_t of one batch
    output, grad.x        [N,C,H,W]              in training mode, loss of noise and output; grad.NAME of each parameter
    loss                  [1]
    stat.NAME                                    running statistics after that pass
    eval.output           [N,C,H,W]              in evaluation mode, before it
    train.x0, train.noise [10,N,C,H,W]           train.t [10,N]: ten batches
    train.losses          [10], F64              the loss before each update by Adam (lr 1e-3)
    sample.first          [N,C,H,W]              x_T
    sample.noise          [5,N,C,H,W]            of the steps t = 4, 3, 2, 1, 0; the last is not used
    sample.states         [5,N,C,H,W]            after each step, in evaluation mode, clamped to [-1, 1]
    metadata              model: the ModelConfig as JSON; loss: l1 or mean_squared; parameters: the names in
                          state_dict order, joined by commas, which is the formula's p

All is computed in float64 from the float32 weights and inputs, and stored as float32 unless said otherwise. main()
proves that float32 agrees, with perturbed weights too: no value lies on a kink.

Beside them: simple_unet.txt, the tree of modules that document 004 prints, and embeddings.safetensors, the sinusoidal
embeddings in float32: interleaved [50,128] as in document 000, concatenated [300,32] as in document 004,
rounded_concatenated [1000,32] as in cifar_unet.py.
"""

import argparse
import copy
import json
import pathlib
import textwrap
from unittest import mock

import numpy as np
import torch
from torch import nn

import documents
from cifar_unet import CifarUnet, StepEmbedding
from formula import symmetric, uniform
from formula_torch import distance, float32, load_weights, perturb

BATCHES = 11  # the first for the gradients, ten for training
SAMPLING_STEPS = 5


# The networks --------------------------------------------------------------------------------------------------------


def ddpm_unet(folder, model):
    network = model["network"]
    code = documents.load(documents.find(folder, "000"))
    return code["Unet"](
        (model["channels"], model["height"], model["width"]),
        network["channels"],
        tuple(network["multipliers"]),
        network["groups"],
        network["maxSteps"],
    )


def simple_unet(folder, model):
    network = model["network"]
    channels = tuple(network["channels"])
    values = {
        "image_channels": model["channels"],
        "out_dim": model["channels"],
        "down_channels": channels,
        "up_channels": channels[::-1],
        "time_emb_dim": network["timeWidth"],
    }
    constants = {name: repr(value) for name, value in values.items()}
    return documents.load(documents.find(folder, "004"), constants=constants)["SimpleUnet"]()


def easy_unet(folder, model):
    network = model["network"]
    width = network["channels"]
    code = documents.load(documents.find(folder, "002"))
    embedding = documents.load(documents.find(folder, "004"))["SinusoidalPositionEmbeddings"]
    activation = {"identity": nn.Identity(), "silu": nn.SiLU(), "relu": nn.ReLU()}[network["activation"]]

    class TimedBlock(code["ResBlock"]):
        """The document's block, with a linear function of the step's embedding added after the first convolution."""

        def __init__(self, in_channels, out_channels):
            super().__init__(in_channels, out_channels)
            self.time = nn.Linear(width, out_channels)

        def forward(self, x, t):
            h = activation(self.conv1(x) + self.time(t)[:, :, None, None])
            return self.conv2(h) + self.shortcut(x)

    class EasyUnet(code["UNET"]):
        def __init__(self, img_channels, n_channels, chs):
            code["ResBlock"] = TimedBlock  # which the document's constructor builds then
            super().__init__(img_channels, n_channels, chs)
            widths = [n_channels * m for m in chs]
            self.conv_mid = TimedBlock(widths[-1], widths[-1])
            self.ups = nn.ModuleList()
            for i in reversed(range(len(chs))):
                skip = widths[i - 1] if i > 0 else n_channels
                self.ups.append(TimedBlock(widths[i] + skip, widths[i]))
                self.ups.append(TimedBlock(widths[i] + skip, widths[i]))
                if i > 0:
                    self.ups.append(code["Upsample"](widths[i], skip))
                else:
                    self.ups.append(nn.Conv2d(widths[i], skip, kernel_size=3, padding=1))
            self.time_mlp = nn.Sequential(embedding(width), nn.Linear(width, width), nn.SiLU())

        def forward(self, x, t):
            t = self.time_mlp(t)
            x = self.conv_in(x)
            skips = []
            for i in range(0, len(self.downs), 3):
                skips.append(x)
                x = self.downs[i + 1](self.downs[i](x, t), t)
                end = self.downs[i + 2]
                x = end(x) if isinstance(end, nn.Conv2d) else end(x, t)
            x = self.conv_mid(x, t)
            for i in range(0, len(self.ups), 3):
                skip = skips.pop()
                x = self.ups[i](torch.cat((x, skip), dim=1), t)
                x = self.ups[i + 1](torch.cat((x, skip), dim=1), t)
                end = self.ups[i + 2]
                x = end(x) if isinstance(end, nn.Conv2d) else end(x, t)
            return self.conv_out(x)

    return EasyUnet(model["channels"], width, network["multipliers"])


def cifar_unet(_, model):
    return CifarUnet(model["channels"], model["network"]["channels"], model["network"]["groups"])


def mnist_unet(folder, model):
    code = documents.load(documents.find(folder, "003"))

    class Unet(code["Unet"]):
        """The document's network, given the index 0 .. T-1 of the step t = 1 .. T, which it takes as t / T."""

        def forward(self, x, t):
            return super().forward(x, ((t + 1) / model["diffusionSteps"]).to(x.dtype))

    return Unet()


NETWORKS = {
    "cifar-unet": cifar_unet,
    "ddpm-unet": ddpm_unet,
    "easy-unet": easy_unet,
    "mnist-unet": mnist_unet,
    "simple-unet": simple_unet,
}


# The configurations --------------------------------------------------------------------------------------------------


def model(network, height, width, channels, steps, first=1e-4, last=0.02):
    betas = {"schedule": "linear", "first": first, "last": last}
    return {
        "network": network,
        "height": height,
        "width": width,
        "channels": channels,
        "diffusionSteps": steps,
        "betas": betas,
        "prediction": "epsilon",
    }


def ddpm(channels, multipliers, groups, max_steps):
    return {
        "name": "ddpm-unet",
        "channels": channels,
        "multipliers": multipliers,
        "groups": groups,
        "maxSteps": max_steps,
    }


def simple(channels, time_width):
    return {"name": "simple-unet", "channels": channels, "timeWidth": time_width}


def easy(channels, multipliers, activation):
    return {"name": "easy-unet", "channels": channels, "multipliers": multipliers, "activation": activation}


def cifar(channels, groups):
    return {"name": "cifar-unet", "channels": channels, "groups": groups, "dropout": 0.0}


# File: model, images in a batch, loss, and where the network has kinks (max pooling, ReLU) a first batch that keeps clear
# of them; else 1.
SMALL = {
    "ddpm_unet_gray": (model(ddpm(8, [1, 2, 3], 4, 20), 8, 12, 1, 20, 0.01, 0.3), 3, "mean_squared"),
    "ddpm_unet_rgb": (model(ddpm(12, [1, 2], 3, 32), 6, 4, 3, 30), 5, "mean_squared"),
    "ddpm_unet_flat": (model(ddpm(8, [1], 2, 10), 3, 5, 3, 10, 0.05, 0.5), 1, "mean_squared"),
    "mnist_unet": (model({"name": "mnist-unet"}, 28, 28, 1, 1000), 1, "mean_squared", 20),
    "simple_unet_rgb": (model(simple([4, 8, 12], 8), 8, 12, 3, 300), 3, "l1"),
    "simple_unet_gray": (model(simple([6, 10], 6), 4, 6, 1, 20, 0.01, 0.3), 5, "l1"),
    "easy_unet_rgb": (model(easy(6, [1, 2, 3], "identity"), 8, 12, 3, 100), 3, "mean_squared"),
    "cifar_unet_rgb": (model(cifar([4, 8, 8, 8], 2), 16, 16, 3, 1000), 2, "mean_squared"),
    "cifar_unet_gray": (model(cifar([4, 8], 2), 6, 10, 1, 20, 0.01, 0.3), 3, "mean_squared"),
    "easy_unet_silu": (model(easy(4, [2, 1], "silu"), 6, 4, 1, 20, 0.01, 0.3), 5, "mean_squared"),
}
FULL = {
    "cifar-unet": (model(cifar([128, 256, 256, 256], 32), 32, 32, 3, 1000), 2, "mean_squared"),
    "ddpm-unet": (model(ddpm(128, [1, 2, 4, 8], 4, 1000), 32, 32, 3, 1000), 2, "mean_squared"),
    "simple-unet": (model(simple([64, 128, 256, 512, 1024], 32), 64, 64, 3, 300), 2, "l1"),
    "easy-unet": (model(easy(64, [1, 2, 4, 8], "identity"), 224, 224, 3, 1000), 1, "mean_squared"),
}


# The golden values ---------------------------------------------------------------------------------------------------


def images(stream, shape):
    return float32(symmetric(stream, int(np.prod(shape))), *shape)


def noise(stream, shape):
    """Unit variance."""
    return float32(np.sqrt(3.0) * symmetric(stream, int(np.prod(shape))), *shape)


def steps(stream, count, diffusion_steps):
    return torch.from_numpy(np.floor(diffusion_steps * uniform(stream, count)).astype(np.int64))


class Diffusion:
    """The forward process in closed form and the sampling step of document 004, in float64."""

    TABLES = ("T", "betas", "alphas", "alphas_cumprod", "alphas_cumprod_prev", "sqrt_recip_alphas")
    TABLES += ("sqrt_alphas_cumprod", "sqrt_one_minus_alphas_cumprod", "posterior_variance")

    def __init__(self, folder, m):
        torch.set_default_dtype(torch.float64)
        betas = f"linear_beta_schedule(T, {m['betas']['first']}, {m['betas']['last']})"
        constants = {"T": repr(m["diffusionSteps"]), "betas": betas}
        self.code = documents.load(documents.find(folder, "004"), self.TABLES, constants)
        torch.set_default_dtype(torch.float32)

    def noisy(self, x0, eps, t):
        signal, sigma = (self.code["sqrt_" + name][t] for name in ("alphas_cumprod", "one_minus_alphas_cumprod"))
        return signal[:, None, None, None] * x0.double() + sigma[:, None, None, None] * eps.double()

    def step(self, network, x, t, fresh):
        self.code["model"] = lambda x, t: network(x.to(dtype_of(network)), t).double()
        with mock.patch.object(torch, "randn_like", lambda _: fresh.double()):
            return torch.clamp(self.code["sample_timestep"](x, torch.tensor([t])), -1.0, 1.0)


def dtype_of(network):
    return next(network.parameters()).dtype


def in_dtype(network, dtype):
    """The network with weights of dtype; the step's embedding is computed in float32 all the same."""
    network = copy.deepcopy(network).to(dtype)
    for module in network.modules():
        if type(module).__name__ == "SinusoidalPositionEmbeddings":
            module.float()
            module.register_forward_hook(lambda _, __, output: output.to(dtype))
    return network


def batch(b, images_, m, diffusion):
    """x0, noise, t and x_t of batch b; all but t float32."""
    shape = (images_, m["channels"], m["height"], m["width"])
    x0, eps = images(1000 + 4 * b, shape), noise(1001 + 4 * b, shape)
    t = steps(1002 + 4 * b, images_, m["diffusionSteps"])
    return x0, eps, t, diffusion.noisy(x0, eps, t).float()


LOSSES = {"l1": nn.functional.l1_loss, "mean_squared": nn.functional.mse_loss}


def forward_backward(network, values, loss_function):
    """Evaluation, then one training pass with all gradients; network is changed (running statistics)."""
    x0, eps, t, xt = values
    dtype = dtype_of(network)
    with torch.no_grad():
        result = {"eval.output": network.eval()(xt.to(dtype), t)}
    network.train()
    x = xt.to(dtype, copy=True).requires_grad_()
    output = network(x, t)
    loss = LOSSES[loss_function](output, eps.to(dtype))
    loss.backward()
    result.update({"output": output, "loss": loss.reshape(1), "grad.x": x.grad})
    result.update({"grad." + name: p.grad for name, p in network.named_parameters()})
    result.update({"stat." + name: b for name, b in network.named_buffers() if "running" in name})
    return {name: v.detach() for name, v in result.items()}


def train(network, batches, loss_function, diffusion):
    """The loss before each of ten updates, and the network after them."""
    dtype = dtype_of(network)
    network.train()
    optimizer = torch.optim.Adam(network.parameters(), lr=0.001)
    losses = []
    for x0, eps, t, _ in batches:
        xt = diffusion.noisy(x0, eps, t).to(dtype)
        loss = LOSSES[loss_function](network(xt, t), eps.to(dtype))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return torch.tensor(losses, dtype=torch.float64)


@torch.no_grad()
def sample(network, first, fresh, diffusion):
    network.eval()
    x, states = first.double(), []
    for t in reversed(range(SAMPLING_STEPS)):
        x = diffusion.step(network, x, t, fresh[SAMPLING_STEPS - 1 - t])
        states.append(x)
    return torch.stack(states)


def golden(folder, runs, m, images_, loss_function, first_batch=1):
    """All values of one configuration; proves that `runs` float32 networks with perturbed weights agree."""
    diffusion = Diffusion(folder, m)
    network = NETWORKS[m["network"]["name"]](folder, m)
    load_weights(network)
    batches = [batch(first_batch + i, images_, m, diffusion) for i in range(BATCHES)]
    shape = (images_, m["channels"], m["height"], m["width"])
    first = noise(2000, shape)
    fresh = torch.stack([noise(2001 + i, shape) for i in range(SAMPLING_STEPS)])

    def compute(start, dtype):
        result = forward_backward(in_dtype(start, dtype), batches[0], loss_function)
        result["train.losses"] = train(in_dtype(start, dtype), batches[1:], loss_function, diffusion)
        result["sample.states"] = sample(in_dtype(start, dtype), first, fresh, diffusion)
        return result

    truth = compute(network, torch.float64)
    singles = [compute(network, torch.float32)]
    singles += [compute(perturb(copy.deepcopy(network), seed), torch.float32) for seed in range(runs)]

    def error(name, value):
        if name.endswith(".to_k.bias"):  # zero: softmax does not see it
            return (value.abs().max() / truth[name.replace("bias", "weight")].abs().max()).item()
        return max(distance(value, truth[name]))

    worst = {name: max(error(name, run[name]) for run in singles) for name in truth}
    gradients = {name: d for name, d in worst.items() if name.startswith("grad.")}
    others = {name: d for name, d in worst.items() if not name.startswith("grad.")}
    print("  parameters", sum(p.numel() for p in network.parameters()))
    print("  float32:", ", ".join(f"{name} {d:.1e}" for name, d in others.items()))
    print("  float32, worst gradients:", sorted(((d, name) for name, d in gradients.items()), reverse=True)[:3])
    # Ten steps of Adam magnify the rounding of float32, in a large network to some 1e-5 of the loss.
    assert others.pop("train.losses") < (1e-5 if runs else 1e-4), "a training batch lies on a kink: change it"
    assert max(others.values()) < 1e-5 and max(gradients.values()) < 1e-4, "a value lies on a kink: change the batches"

    x0, eps, t, xt = batches[0]
    values = {name: v if name == "train.losses" else v.float() for name, v in truth.items()}
    values.update({"x": xt, "noise": eps, "t": t.float()})
    for i, name in enumerate(("x0", "noise", "t")):
        values["train." + name] = torch.stack([b[i].float() for b in batches[1:]])
    values.update({"sample.first": first, "sample.noise": fresh})
    metadata = {"model": json.dumps(m), "loss": loss_function, "parameters": ",".join(network.state_dict())}
    return {name: v.contiguous() for name, v in values.items()}, metadata


def print_and_embed(folder, out):
    """The tree of modules that document 004 prints, and every embedding in float32."""
    from safetensors.torch import save_file

    path = documents.find(folder, "004")
    simple_code = documents.load(path)
    tree = str(simple_code["SimpleUnet"]()).replace(", bias=True, track", ", track")  # which PyTorch 2.13 adds
    assert textwrap.indent(tree, "    ") in path.read_text(), "the document prints another network"
    (out / "simple_unet.txt").write_text(tree + "\n")
    interleaved = documents.load(documents.find(folder, "000"))["SinusoidalPositionEmbeddings"](128)
    concatenated = simple_code["SinusoidalPositionEmbeddings"](32)
    values = {
        "interleaved": interleaved(torch.arange(50)),
        "concatenated": concatenated(torch.arange(300)),
        "rounded_concatenated": StepEmbedding(32, 1).wave(torch.arange(1000)),
    }
    save_file({name: v.contiguous() for name, v in values.items()}, out / "embeddings.safetensors")


def main():
    from safetensors.torch import save_file

    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--documents", type=pathlib.Path, required=True, help="folder of the documents")
    arguments.add_argument("--out", type=pathlib.Path, required=True, help="folder for the files")
    arguments.add_argument("--only", choices=sorted(SMALL), help="this file alone")
    arguments.add_argument("--full", choices=sorted(FULL), help="this network at its documented size instead")
    options = arguments.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.use_deterministic_algorithms(True)
    chosen = {options.full.replace("-", "_"): FULL[options.full]} if options.full else SMALL
    if options.only:
        chosen = {options.only: SMALL[options.only]}
    for name, configuration in chosen.items():
        print(name, json.dumps(configuration[0]["network"]))
        values, metadata = golden(options.documents, 0 if options.full else 5, *configuration)
        save_file(values, options.out / (name + ".safetensors"), metadata=metadata)
    if chosen is SMALL:
        print_and_embed(options.documents, options.out)


if __name__ == "__main__":
    main()
