#!/usr/bin/env python3
"""PyTorch's half of the benchmarks. Alone:

    python train_step.py --network mnist-unet --batch 128 --precision bf16 --mode channels_last --json out.json

or with --protocol stdio, driven line by line as ../PROTOCOL.md says (that is how ../compare uses it).
A training step: draw t and the noise, x_t, forward, mean squared error, backward, fused Adam, averaged weights. The batch is
in memory already. A sampling: 50 steps of DDIM from noise to images.
"""

import argparse
import contextlib
import json
import math
import os
import pathlib
import resource
import statistics
import sys
import time

MODES = ("eager", "channels_last", "compile", "compile_channels_last")
SAMPLING_STEPS = 50
EMA_DECAY = 0.999


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="mnist-unet", help="one of networks.py")
    parser.add_argument("--batch", type=int, default=32, metavar="N")
    parser.add_argument("--precision", choices=["fp64", "fp32", "bf16"], default="fp32", help="bf16 is torch.autocast")
    parser.add_argument("--mode", choices=MODES, default="eager")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2, metavar="N")
    parser.add_argument("--warmup", type=int, default=3, metavar="STEPS")
    parser.add_argument("--blocks", type=int, default=7, metavar="B")
    parser.add_argument("--steps-per-block", type=int, default=5, metavar="K")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="where the result goes besides stdout")
    parser.add_argument("--protocol", choices=["stdio"], help="obey commands from standard input")
    return parser.parse_args()


arguments = parse()
os.environ.setdefault("OMP_NUM_THREADS", str(arguments.threads))
os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")  # no pool of idle compiler processes beside the timing

import torch  # noqa: E402, after the environment that it reads
from torch.nn.functional import mse_loss  # noqa: E402

from networks import NETWORKS, formula  # noqa: E402


class Benchmark:
    """The network with the formula's weights, its optimizer, its averaged weights and one batch of images."""

    def __init__(self, options):
        self.kind = NETWORKS[options.network]
        self.device = torch.device(options.device)
        self.bf16 = options.precision == "bf16"
        self.dtype = torch.float64 if options.precision == "fp64" else torch.float32
        torch.backends.nnpack.set_flags(self.dtype == torch.float32)  # else a warning for each convolution in float64
        self.format = torch.channels_last if options.mode.endswith("channels_last") else torch.contiguous_format
        network = self.kind.create()
        formula.load_weights(network)
        network = network.to(self.device, self.dtype).to(memory_format=self.format)
        self.parameters = dict(network.named_parameters())
        self.averages = [p.detach().clone() for p in network.parameters()]
        self.optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
        self.network = torch.compile(network) if options.mode.startswith("compile") else network
        shape = (options.batch, *self.kind.image)
        count = options.batch * math.prod(self.kind.image)
        target = math.sqrt(3.0) * formula.symmetric(1001, count)
        x = 0.6 * formula.symmetric(1000, count) + 0.8 * target
        self.x, self.target = (self.placed(formula.float32(a, *shape)) for a in (x, target))
        t = torch.from_numpy(formula.uniform(1002, options.batch) * self.kind.steps).long()
        self.t = t.to(self.device)
        self.images = self.x.clamp(-1, 1)
        betas = torch.linspace(1e-4, 0.02, self.kind.steps, dtype=torch.float64)
        abar = torch.cumprod(1 - betas, 0)
        self.signal, self.sigma = (a.to(self.device, self.dtype) for a in (abar.sqrt(), (1 - abar).sqrt()))

    def placed(self, images):
        return images.to(self.device, self.dtype, memory_format=self.format)

    def predict(self, x, t):
        """The network's answer in float32 (float64 of such a network); t counts from 0."""
        with torch.autocast(self.device.type, torch.bfloat16) if self.bf16 else contextlib.nullcontext():
            return self.network(x, (t + 1).to(self.dtype) / self.kind.steps if self.kind.fraction else t).to(self.dtype)

    def check(self):
        """Loss and norms on the formula's batch; changes no weight."""
        self.network.train()
        self.optimizer.zero_grad(set_to_none=True)
        output = self.predict(self.x, self.t)
        loss = mse_loss(output, self.target)
        loss.backward()
        norms = {name: p.grad.double().norm().item() for name, p in self.parameters.items()}
        total = sum(n * n for n in norms.values()) ** 0.5
        self.optimizer.zero_grad(set_to_none=True)
        return {
            "loss": loss.item(),
            "output_norm": output.detach().double().norm().item(),
            "gradient_norm": total,
            "gradient_norms": norms,
        }

    def step(self):
        i = torch.randint(0, self.kind.steps, (len(self.images),), device=self.device)
        noise = torch.randn_like(self.images)
        x_t = self.signal[i][:, None, None, None] * self.images + self.sigma[i][:, None, None, None] * noise
        self.optimizer.zero_grad(set_to_none=True)
        loss = mse_loss(self.predict(x_t, i), noise)
        loss.backward()
        self.optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(self.averages, list(self.parameters.values()), 1 - EMA_DECAY)
        return loss

    def train(self, steps):
        """Times that many steps. On a GPU only their mean is known: the queue is awaited once, at the end."""
        self.network.train()
        return self.timed(steps, self.step)

    def sample(self, rounds):
        """Times that many samplings of the batch, with one warm-up of the network in evaluation mode before."""
        self.network.eval()
        with torch.inference_mode():
            self.predict(self.images, self.t)
            return self.timed(rounds, self.ddim)

    def ddim(self):
        """Song et al. 2021, eq. 12, without noise, x_0 clamped; the mean of the images is its result."""
        timesteps = torch.linspace(0, self.kind.steps - 1, SAMPLING_STEPS).round().long().tolist()[::-1]
        x = torch.randn_like(self.images)
        for t, before in zip(timesteps, [*timesteps[1:], -1]):
            a, s = self.signal[t], self.sigma[t]
            noise = self.predict(x, torch.full((len(x),), t, device=self.device))
            x0 = ((x - s * noise) / a).clamp(-1, 1)
            if before < 0:
                return x0.mean()
            x = self.signal[before] * x0 + self.sigma[before] * (x - a * x0) / s

    def timed(self, count, work):
        times = []
        if self.device.type == "cpu":
            for _ in range(count):
                start = time.perf_counter()
                value = work().item()
                times.append((time.perf_counter() - start) * 1e3)
        else:
            torch.accelerator.synchronize()
            start = time.perf_counter()
            for _ in range(count):
                value = work()
            value = value.item()
            torch.accelerator.synchronize()
            times.append((time.perf_counter() - start) * 1e3 / count)
        return {"ms_per_step": times, "loss": value}


def peak_rss_bytes():
    """VmHWM, this process alone; ru_maxrss, which a parent's size may raise, where there is no /proc."""
    with contextlib.suppress(OSError):
        for line in pathlib.Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def identity():
    return {
        "peer": "pytorch",
        "version": torch.__version__,
        "network": arguments.network,
        "batch": arguments.batch,
        "precision": arguments.precision,
        "mode": arguments.mode,
        "device": arguments.device,
        "threads": torch.get_num_threads(),
    }


def serve(training, out):
    def reply(message):
        print(json.dumps(message), file=out, flush=True)

    reply({"ready": True, **identity()})
    for line in sys.stdin:
        command = line.strip()
        if command == "quit":
            return
        if command == "check":
            reply(training.check())
        elif command == "warmup":
            reply(training.train(arguments.warmup))
        elif command == "block":
            reply(training.train(arguments.steps_per_block))
        elif command == "sample":
            reply(training.sample(1))
        elif command == "memory":
            reply({"peak_rss_bytes": peak_rss_bytes()})
        else:
            reply({"error": f"unknown command {command!r}; expected check, warmup, block, sample, memory or quit"})


def alone(training):
    check = training.check()
    training.train(arguments.warmup)
    blocks = [training.train(arguments.steps_per_block)["ms_per_step"] for _ in range(arguments.blocks)]
    medians = [statistics.median(block) for block in blocks]
    median = statistics.median(medians)
    result = {
        **identity(),
        "check": check,
        "block_medians_ms": medians,
        "median_ms": median,
        "images_per_second": arguments.batch / median * 1e3,
        "peak_rss_bytes": peak_rss_bytes(),
    }
    text = json.dumps(result, indent=2)
    if arguments.json:
        arguments.json.write_text(text + "\n")
    print(text)


def main():
    # Standard output carries the protocol alone: whatever a library prints goes to standard error.
    out, sys.stdout = sys.stdout, sys.stderr
    torch.manual_seed(0)
    torch.set_num_threads(arguments.threads)
    if arguments.network not in NETWORKS:
        sys.exit(f"--network {arguments.network}: expected one of {', '.join(NETWORKS)}")
    training = Benchmark(arguments)
    if arguments.protocol:
        serve(training, out)
    else:
        sys.stdout = out
        alone(training)


if __name__ == "__main__":
    main()
