#!/usr/bin/env python3
"""PyTorch's half of the benchmarks. Alone:

    python train_step.py --network mnist-unet --batch 128 --precision bf16 --mode channels_last --json out.json

or with --protocol stdio, driven line by line as ../PROTOCOL.md says (that is how ../compare uses it).
A training step: draw t and the noise, x_t, forward, mean squared error, backward, fused AdamW, averaged weights. The batch is
in memory already. A sampling: 50 steps of DDIM from noise to images. A mode that ends in _graph does either as one CUDA graph.
"""

import contextlib
import json
import os
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from comparison import program  # noqa: E402, from that folder
from comparison.peers import MODES  # noqa: E402
from comparison.program import EMA_DECAY, SAMPLING_STEPS  # noqa: E402

CAPTURE_WARMUP = 3  # until the optimizer's state exists, plans are chosen and everything is compiled


def parse():
    parser = program.parser(__doc__.splitlines()[0])
    parser.add_argument("--precision", choices=["fp64", *program.PRECISIONS], default="fp32", help="bf16 is torch.autocast")
    parser.add_argument("--mode", choices=MODES, default="eager")
    parser.add_argument("--ceilings", action="store_true", help="measure a large copy and a large matrix product instead")
    return parser.parse_args()


arguments = parse()
os.environ.setdefault("OMP_NUM_THREADS", str(arguments.threads))
if arguments.device == "cpu":  # no pool of idle compiler processes on the cores that are timed
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")

import torch  # noqa: E402, after the environment that it reads
from torch.nn.functional import mse_loss  # noqa: E402

from formula_torch import load_weights  # noqa: E402
from networks import NETWORKS  # noqa: E402


class NotCaptured(Exception):
    """The work cannot become a CUDA graph."""


def set_precision(precision, device):
    """What of PyTorch's arithmetic is set for the whole process."""
    torch.backends.nnpack.set_flags(precision != "fp64")  # else a warning for each convolution in float64
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = precision != "fp64"  # the reference is computed once
        torch.backends.cudnn.allow_tf32 = precision == "tf32"
        torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"


class Benchmark:
    """The network with the formula's weights, its optimizer, its averaged weights and one batch of images."""

    def __init__(self, options):
        self.options = options
        self.kind = NETWORKS[options.network]
        self.device = torch.device(options.device)
        self.on_gpu = self.device.type == "cuda"
        how = options.mode.removesuffix("_graph")
        self.in_graph = how != options.mode
        if self.in_graph and not self.on_gpu:
            raise NotCaptured(f"not captured: a CUDA graph needs a CUDA device, this is {self.device}")
        set_precision(options.precision, self.device)
        self.bf16 = options.precision == "bf16"
        self.dtype = torch.float64 if options.precision == "fp64" else torch.float32
        self.format = torch.channels_last if how.endswith("channels_last") else torch.contiguous_format
        network = self.kind.create()
        load_weights(network)
        network = network.to(self.device, self.dtype).to(memory_format=self.format)
        self.parameters = dict(network.named_parameters())
        self.averages = [p.detach().clone() for p in network.parameters()]
        self.optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=True, capturable=self.on_gpu)
        self.network = self.compiled(network, how)
        self.graphs = {}
        x, target, t = program.batch((options.batch, *self.kind.image), self.kind.steps)
        self.x, self.target = (self.placed(torch.from_numpy(images)) for images in (x, target))
        self.t = torch.from_numpy(t).to(self.device)
        self.images = self.x.clamp(-1, 1)
        betas = torch.linspace(1e-4, 0.02, self.kind.steps, dtype=torch.float64)
        abar = torch.cumprod(1 - betas, 0)
        self.signal, self.sigma = (a.to(self.device, self.dtype) for a in (abar.sqrt(), (1 - abar).sqrt()))

    def compiled(self, network, how):
        """max-autotune replays CUDA graphs of its own, of forward and backward, where the step is not one already."""
        self.own_graphs = how.startswith("max_autotune") and self.on_gpu and not self.in_graph
        if how.startswith("compile"):
            return torch.compile(network, dynamic=False)
        if how.startswith("max_autotune"):
            mode = "max-autotune" if self.own_graphs else "max-autotune-no-cudagraphs"
            return torch.compile(network, dynamic=False, mode=mode)
        return network

    def placed(self, images):
        return images.to(self.device, self.dtype, memory_format=self.format)

    def predict(self, x, t):
        """The network's answer in float32 (float64 of such a network); t counts from 0. Ends what it answered before."""
        if self.own_graphs:
            torch.compiler.cudagraph_mark_step_begin()
        if self.format == torch.channels_last and x.shape[1] == 1:
            # One channel is the same in both formats; arithmetic leaves strides from which layers would conclude NCHW.
            x = x.as_strided(x.shape, (x[0].numel(), 1, x.shape[3], 1))
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
        self.network.train()
        return self.timed(steps, self.repeatable("step", self.step))

    def sample(self, count):
        """Times one sampling of `count` images."""
        self.network.eval()
        with torch.inference_mode():
            return self.timed(1, self.repeatable(("sample", count), lambda: self.ddim(count)))

    def ddim(self, count):
        """Song et al. 2021, eq. 12, without noise, x_0 clamped; the mean of the images is its result."""
        timesteps = torch.linspace(0, self.kind.steps - 1, SAMPLING_STEPS).round().long().tolist()[::-1]
        x = torch.randn(count, *self.kind.image, device=self.device).to(memory_format=self.format)
        for t, before in zip(timesteps, [*timesteps[1:], -1]):
            a, s = self.signal[t], self.sigma[t]
            noise = self.predict(x, torch.full((count,), t, device=self.device))
            x0 = ((x - s * noise) / a).clamp(-1, 1)
            if before < 0:
                return x0.mean()
            x = self.signal[before] * x0 + self.sigma[before] * (x - a * x0) / s

    def repeatable(self, name, work):
        """The work, in a mode with graphs as the replay of a CUDA graph of it."""
        if not self.in_graph:
            return work
        if name not in self.graphs:
            self.graphs[name] = self.captured(work)
        return self.graphs[name]

    def captured(self, work):
        """As PyTorch's notes on CUDA graphs say: some rounds on another stream, no gradients left, then the capture."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(CAPTURE_WARMUP):
                work()
        torch.cuda.current_stream().wait_stream(stream)
        self.optimizer.zero_grad(set_to_none=True)
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph):
                value = work()
        except RuntimeError as e:
            raise NotCaptured(f"not captured: {program.first_line(e.__context__ or e)}") from e

        def replay():
            graph.replay()
            return value

        return replay

    def timed(self, count, work):
        """On a GPU the mean of all, as its queue is awaited once, at the end; by CUDA events too."""
        if not self.on_gpu:
            return program.each_timed(count, lambda: work().item())
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda.synchronize()
        start = time.perf_counter()
        begin.record()
        for _ in range(count):
            value = work()
        end.record()
        value = value.item()
        torch.cuda.synchronize()
        milliseconds = (time.perf_counter() - start) * 1e3 / count
        return {"ms_per_step": [milliseconds], "device_ms_per_step": begin.elapsed_time(end) / count, "loss": value}

    def memory(self):
        if not self.on_gpu:
            return {}
        return {
            "max_memory_reserved": torch.cuda.max_memory_reserved(self.device),
            "max_memory_allocated": torch.cuda.max_memory_allocated(self.device),
        }

    def identity(self):
        found = {
            "peer": "pytorch",
            "version": torch.__version__,
            **{key: getattr(self.options, key) for key in ("network", "batch", "precision", "mode", "device")},
            "threads": torch.get_num_threads(),
        }
        return {**found, "device_name": torch.cuda.get_device_name(self.device)} if self.on_gpu else found


def ceilings(device):
    """What the device reaches at best: bytes read and written by a large copy, operations of a large matrix product."""
    on_gpu = device.type == "cuda"

    def seconds(work):
        times = []
        for _ in range(13):
            if on_gpu:
                torch.cuda.synchronize()
            start = time.perf_counter()
            work()
            if on_gpu:
                torch.cuda.synchronize()
            times.append(time.perf_counter() - start)
        return statistics.median(times[3:])

    source = torch.randn(2**28 if on_gpu else 2**26, device=device)  # 1 GiB, 256 MiB: far beyond any cache
    destination = torch.empty_like(source)
    found = {
        "copied_bytes": 4 * source.numel(),
        "copy_gb_per_s": 8e-9 * source.numel() / seconds(lambda: destination.copy_(source)),
        "matrix_size": 8192 if on_gpu else 2048,
        "matrix_tflop_per_s": {},
    }
    del source, destination
    n = found["matrix_size"]
    for precision in ("fp32", "tf32", "bf16") if on_gpu else ("fp32", "bf16"):
        set_precision(precision, device)
        a, b = (torch.randn(n, n, device=device).to(torch.bfloat16 if precision == "bf16" else torch.float32) for _ in "ab")
        c = torch.empty_like(a)
        found["matrix_tflop_per_s"][precision] = 2e-12 * n**3 / seconds(lambda: torch.mm(a, b, out=c))
    return found


def main():
    # Standard output carries the protocol alone: whatever a library prints goes to standard error.
    out, sys.stdout = sys.stdout, sys.stderr
    torch.manual_seed(0)
    torch.set_num_threads(arguments.threads)
    if arguments.devices:
        devices = torch.cuda.device_count() if arguments.device.startswith("cuda") else 1
        print(json.dumps({"version": torch.__version__, "devices": devices}), file=out)
    elif arguments.ceilings:
        print(json.dumps(ceilings(torch.device(arguments.device))), file=out)
    else:
        program.run(arguments, NETWORKS, Benchmark, out)


if __name__ == "__main__":
    main()
