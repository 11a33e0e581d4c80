#!/usr/bin/env python3
"""JAX's half of the benchmarks; needs jax and numpy. Alone:

    python train_step.py --network mnist-unet --batch 128 --precision bf16 --device cuda --json out.json

or with --protocol stdio, driven line by line as ../PROTOCOL.md says (that is how ../compare uses it).
A training step is one compiled program that takes the state's memory over: draw t and the noise, x_t, forward, mean squared
error, backward, AdamW, averaged weights. A sampling, 50 steps of DDIM from noise to images, is one program too.
"""

import functools
import json
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from comparison import program  # noqa: E402, from that folder
from comparison.program import EMA_DECAY, SAMPLING_STEPS  # noqa: E402

LEARNING_RATE, WEIGHT_DECAY, BETA1, BETA2, EPSILON = 1e-3, 0.01, 0.9, 0.999, 1e-8  # torch.optim.AdamW's
PRODUCTS = {"fp32": "highest", "tf32": "tensorfloat32", "bf16": "default"}  # jax_default_matmul_precision


def parse():
    parser = program.parser(__doc__.splitlines()[0])
    parser.add_argument("--precision", choices=program.PRECISIONS, default="fp32", help="bf16: weights keep fp32 originals")
    return parser.parse_args()


arguments = parse()
kind, _, index = arguments.device.partition(":")
os.environ["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"  # else three quarters of the GPU's memory are taken at the start
if kind == "cpu":
    os.environ["JAX_PLATFORMS"] = kind
    os.environ["NPROC"] = str(arguments.threads)  # of XLA's pool

import formula  # noqa: E402, program knows where
import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

from networks import NETWORKS, placed  # noqa: E402


def device():
    found = devices()
    if int(index or 0) >= len(found):
        raise ValueError(f"--device {arguments.device}: JAX {jax.__version__} has no such device, but {jax.devices()}")
    return found[int(index or 0)]


def devices():
    try:
        return jax.devices(kind)
    except RuntimeError:  # there is none
        return []


class Benchmark:
    """The network with the formula's weights, its optimizer, its averaged weights and one batch of images."""

    def __init__(self, options):
        self.options = options
        self.kind = NETWORKS[options.network]
        self.on_gpu = kind != "cpu"
        self.device = device()
        jax.config.update("jax_default_device", self.device)
        jax.config.update("jax_default_matmul_precision", PRODUCTS[options.precision])
        self.dtype = jnp.bfloat16 if options.precision == "bf16" else jnp.float32
        known = {name: jnp.asarray(placed(values)) for name, values in formula.weights(self.kind.shapes())}
        parameters = {name: array for name, array in known.items() if ".running_" not in name}
        zeros = lambda: {name: jnp.zeros_like(array) for name, array in parameters.items()}
        self.state = {
            "parameters": parameters,
            "statistics": {name: array for name, array in known.items() if ".running_" in name},
            "mean": zeros(),
            "square": zeros(),
            "averages": {name: jnp.array(array) for name, array in parameters.items()},
            "step": jnp.zeros((), jnp.int32),
            "key": jax.random.key(0, impl="rbg"),  # the device's own generator
        }
        x, target, t = program.batch((options.batch, *self.kind.image), self.kind.steps)
        self.x, self.target = (jnp.asarray(images.transpose(0, 2, 3, 1)) for images in (x, target))
        self.t = jnp.asarray(t, jnp.int32)
        self.images = self.x.clip(-1, 1)
        abar = np.cumprod(1 - np.linspace(1e-4, 0.02, self.kind.steps))
        self.signal, self.sigma = (a.astype(np.float32) for a in (np.sqrt(abar), np.sqrt(1 - abar)))
        self.sampling_key = jax.random.key(1, impl="rbg")
        self.programs = {}

    # What is compiled

    def rounded(self, parameters):
        """The factors of products in the precision of products."""
        return {name: array.astype(self.dtype) if array.ndim > 1 else array for name, array in parameters.items()}

    def predict(self, weights, x, t, moving=None):
        """The network's answer; t counts from 0."""
        t = (t + 1).astype(jnp.float32) / self.kind.steps if self.kind.fraction else t
        return self.kind.function(weights, x, t, moving).astype(jnp.float32)

    def loss(self, parameters, statistics, x, t, target):
        """With what comes of the forward pass besides: the output, new running statistics."""
        moving = {}
        output = self.predict({**self.rounded(parameters), **statistics}, x, t, moving)
        return jnp.square(output - target).mean(), (output, moving)

    def step(self, state, images):
        parameters, number = state["parameters"], state["step"] + 1
        key, of_t, of_noise = jax.random.split(state["key"], 3)
        t = jax.random.randint(of_t, (len(images),), 0, self.kind.steps)
        noise = jax.random.normal(of_noise, images.shape)
        signal, sigma = (jnp.asarray(a)[t][:, None, None, None] for a in (self.signal, self.sigma))
        x_t = signal * images + sigma * noise
        gradient = jax.value_and_grad(self.loss, has_aux=True)
        (loss, (_, moving)), gradients = gradient(parameters, state["statistics"], x_t, t, noise)
        new = {"parameters": {}, "mean": {}, "square": {}, "averages": {}}
        for name, g in gradients.items():
            m = BETA1 * state["mean"][name] + (1 - BETA1) * g
            v = BETA2 * state["square"][name] + (1 - BETA2) * g * g
            change = (m / (1 - BETA1**number)) / (jnp.sqrt(v / (1 - BETA2**number)) + EPSILON)
            p = parameters[name] * (1 - LEARNING_RATE * WEIGHT_DECAY) - LEARNING_RATE * change
            average = EMA_DECAY * state["averages"][name] + (1 - EMA_DECAY) * p
            for what, value in zip(new, (p, m, v, average)):
                new[what][name] = value
        return {**new, "statistics": moving, "step": number, "key": key}, loss

    def ddim(self, count, parameters, statistics, key):
        """Song et al. 2021, eq. 12, without noise, x_0 clamped; the mean of the images is its result."""
        weights = {**self.rounded(parameters), **statistics}
        timesteps = np.linspace(0, self.kind.steps - 1, SAMPLING_STEPS).round().astype(np.int32)[::-1]
        a, s = self.signal[timesteps], self.sigma[timesteps]
        rows = (timesteps, a, s, np.append(a[1:], np.float32(1)), np.append(s[1:], np.float32(0)))

        def denoised(x, row):
            t, a, s, a_before, s_before = row
            noise = self.predict(weights, x, jnp.full((count,), t))
            x0 = ((x - s * noise) / a).clip(-1, 1)
            return a_before * x0 + s_before * (x - a * x0) / s, None

        key, of_noise = jax.random.split(key)
        channels, height, width = self.kind.image
        x = jax.random.normal(of_noise, (count, height, width, channels))
        return jax.lax.scan(denoised, x, rows)[0].mean(), key

    def compiled(self, name, function, *example, donate=()):
        if name not in self.programs:
            self.programs[name] = jax.jit(function, donate_argnums=donate).lower(*example).compile()
        return self.programs[name]

    # What is asked for

    def check(self):
        """Loss and norms on the formula's batch; changes no weight."""
        example = self.state["parameters"], self.state["statistics"], self.x, self.t, self.target
        gradient = self.compiled("check", jax.value_and_grad(self.loss, has_aux=True), *example)
        (loss, (output, _)), gradients = gradient(*example)
        norm = lambda array: float(np.linalg.norm(np.asarray(array, np.float64)))
        norms = {name: norm(g.reshape(-1)) for name, g in gradients.items()}
        return {
            "loss": float(loss),
            "output_norm": norm(output.reshape(-1)),
            "gradient_norm": sum(n * n for n in norms.values()) ** 0.5,
            "gradient_norms": norms,
        }

    def train(self, steps):
        """On a GPU the mean of all, as its queue is awaited once, at the end."""
        step = self.compiled("step", self.step, self.state, self.images, donate=0)

        def trained(count):
            for _ in range(count):
                self.state, loss = step(self.state, self.images)
            jax.block_until_ready(self.state)
            return float(loss)

        if not self.on_gpu:
            return program.each_timed(steps, lambda: trained(1))
        jax.block_until_ready(self.state)
        start = time.perf_counter()
        loss = trained(steps)
        return {"ms_per_step": [(time.perf_counter() - start) * 1e3 / steps], "loss": loss}

    def sample(self, count):
        """Times one sampling of `count` images."""
        weights = self.state["parameters"], self.state["statistics"]
        draw = self.compiled(("sample", count), functools.partial(self.ddim, count), *weights, self.sampling_key)

        def drawn():
            mean, self.sampling_key = draw(*weights, self.sampling_key)
            return float(mean)

        return program.each_timed(1, drawn)

    def memory(self):
        return {"max_memory_allocated": self.device.memory_stats()["peak_bytes_in_use"]} if self.on_gpu else {}

    def identity(self):
        return {
            "peer": "jax",
            "version": jax.__version__,
            **{key: getattr(self.options, key) for key in ("network", "batch", "precision", "device", "threads")},
            "device_name": self.device.device_kind,
        }


def main():
    # Standard output carries the protocol alone: whatever a library prints goes to standard error.
    out, sys.stdout = sys.stdout, sys.stderr
    if arguments.devices:
        print(json.dumps({"version": jax.__version__, "devices": len(devices())}), file=out)
    else:
        program.run(arguments, NETWORKS, Benchmark, out)


if __name__ == "__main__":
    main()
