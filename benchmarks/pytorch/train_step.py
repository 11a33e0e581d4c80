#!/usr/bin/env python3
"""PyTorch's half of the training-step benchmark. Alone:

    python train_step.py --network mnist-unet --batch 128 --precision bf16 --mode channels_last --json out.json

or with --protocol stdio, driven line by line as ../PROTOCOL.md says (that is how ../compare uses it).
A step: draw t and the noise, x_t, forward, mean squared error, backward, fused Adam. The batch is in memory already.
"""

import argparse
import contextlib
import json
import os
import pathlib
import resource
import statistics
import sys
import time

MODES = ("eager", "channels_last", "compile", "compile_channels_last")
T = 1000


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", choices=["mnist-unet"], default="mnist-unet")
    parser.add_argument("--batch", type=int, default=32, metavar="N")
    parser.add_argument("--precision", choices=["fp32", "bf16"], default="fp32", help="bf16 is torch.autocast")
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

import mnist_unet  # noqa: E402


class TrainingStep:
    """The network with the formula's weights, its optimizer and one batch of images."""

    def __init__(self, options):
        self.device = torch.device(options.device)
        self.bf16 = options.precision == "bf16"
        network = mnist_unet.formula_unet().to(self.device)
        self.format = torch.channels_last if options.mode.endswith("channels_last") else torch.contiguous_format
        network = network.to(memory_format=self.format)
        self.parameters = dict(network.named_parameters())
        self.optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
        self.network = torch.compile(network) if options.mode.startswith("compile") else network
        self.batch = self.placed(mnist_unet.formula_batch(0, options.batch))
        self.images = self.batch[0].clamp(-1, 1)
        betas = torch.linspace(1e-4, 0.02, T, dtype=torch.float64)
        abar = torch.cumprod(1 - betas, 0)
        self.signal, self.sigma = (a.to(self.device, torch.float32) for a in (abar.sqrt(), (1 - abar).sqrt()))

    def placed(self, tensors):
        return [a.to(self.device, memory_format=self.format if a.dim() == 4 else torch.contiguous_format) for a in tensors]

    def loss(self, x, t, target):
        with torch.autocast(self.device.type, torch.bfloat16) if self.bf16 else contextlib.nullcontext():
            output = self.network(x, t)
        return output.float(), mse_loss(output.float(), target)

    def check(self):
        """Loss and norms on the formula's batch 0; changes no weight."""
        self.optimizer.zero_grad(set_to_none=True)
        output, loss = self.loss(*self.batch)
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
        i = torch.randint(0, T, (len(self.images),), device=self.device)
        noise = torch.randn_like(self.images)
        x_t = self.signal[i][:, None, None, None] * self.images + self.sigma[i][:, None, None, None] * noise
        self.optimizer.zero_grad(set_to_none=True)
        _, loss = self.loss(x_t, (i + 1).float() / T, noise)
        loss.backward()
        self.optimizer.step()
        return loss

    def block(self, steps):
        """Times that many steps. On a GPU only their mean is known: the queue is awaited once, at the end."""
        times = []
        if self.device.type == "cpu":
            for _ in range(steps):
                start = time.perf_counter()
                loss = self.step().item()
                times.append((time.perf_counter() - start) * 1e3)
        else:
            torch.accelerator.synchronize()
            start = time.perf_counter()
            for _ in range(steps):
                loss = self.step()
            loss = loss.item()
            torch.accelerator.synchronize()
            times.append((time.perf_counter() - start) * 1e3 / steps)
        return {"ms_per_step": times, "loss": loss}


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
            reply(training.block(arguments.warmup))
        elif command == "block":
            reply(training.block(arguments.steps_per_block))
        elif command == "memory":
            reply({"peak_rss_bytes": peak_rss_bytes()})
        else:
            reply({"error": f"unknown command {command!r}; expected check, warmup, block, memory or quit"})


def alone(training):
    check = training.check()
    training.block(arguments.warmup)
    blocks = [training.block(arguments.steps_per_block)["ms_per_step"] for _ in range(arguments.blocks)]
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
    training = TrainingStep(arguments)
    if arguments.protocol:
        serve(training, out)
    else:
        sys.stdout = out
        alone(training)


if __name__ == "__main__":
    main()
