"""PyTorch's half of benchmarks/operators: the time of one operator.

A request is a JSON object on a line of standard input: "operator", "dtype" (fp32, bf16), "batch" and what else the operator's
function below takes. The answer is one line of JSON: {"us": .., "variant": ..}, the quickest of the operator's variants (memory
layouts, or two ways to say the same) by its median over some rounds, with all of them in "variants"; or
{"failed": ..}.
"""

import argparse
import json
import re
import statistics
import sys
import time

import torch
from torch.nn import functional as F

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
ACTIVATIONS = {"RELU": F.relu, "SILU": F.silu}
ROUNDS = 5
aten = torch.ops.aten


def extents(text):
    return [int(n) for n in text.split("x")]


def images(r, layout, height, width, channels):
    """A batch of random feature maps."""
    return torch.randn(r["batch"], channels, height, width, dtype=DTYPES[r["dtype"]]).contiguous(memory_format=LAYOUTS[layout])


def gradient(y, inputs, dy):
    """The backward pass alone, again and again on one graph."""
    return lambda: torch.autograd.grad(y, inputs, dy, retain_graph=True)


def convolution(r, method):
    h, w, c, o, k, s, p = (int(n) for n in re.findall(r"\d+", r["geometry"]))
    for layout in LAYOUTS:
        x = images(r, layout, h, w, c)
        weight = torch.randn(o, c, k, k, dtype=x.dtype).contiguous(memory_format=LAYOUTS[layout])
        bias = torch.zeros(o, dtype=x.dtype)
        y = F.conv2d(x, weight, bias, s, p)
        dy = torch.randn_like(y)  # keeps the layout
        if method == "forward":
            yield layout, lambda: F.conv2d(x, weight, bias, s, p)
            continue
        mask = [True, False, False] if method == "inputGradient" else [False, True, True]
        rest = ([s, s], [p, p], [1, 1], False, [0, 0], 1, mask)
        yield layout, lambda: aten.convolution_backward(dy, x, weight, [o], *rest)
        if method == "inputGradient" and s > 1:  # how a transposed convolution's forward says it
            yield layout + " transposed", lambda: F.conv_transpose2d(dy, weight, None, s, p)


def group_norm(r, method):
    for layout in LAYOUTS:
        x = images(r, layout, *extents(r["image"]))
        gamma, beta = torch.ones(x.shape[1]), torch.zeros(x.shape[1])
        activation = ACTIVATIONS[r["activation"]]
        if method == "groupNorm":
            yield layout, lambda: activation(F.group_norm(x, r["groups"], gamma, beta), inplace=True)
            continue
        inputs = [t.requires_grad_() for t in (x, gamma, beta)]
        with torch.enable_grad():
            y = activation(F.group_norm(x, r["groups"], gamma, beta))
        yield layout, gradient(y, inputs, torch.randn_like(y))


def attention(r, method):
    h, w, c = extents(r["image"])
    heads, d = r["heads"], c // r["heads"]
    qkv = torch.randn(r["batch"], h * w, 3 * c, dtype=DTYPES[r["dtype"]])
    slices = [a.view(r["batch"], h * w, heads, d).transpose(1, 2) for a in qkv.chunk(3, dim=-1)]
    for variant, tensors in (("slices", slices), ("contiguous", [a.contiguous() for a in slices])):
        if method == "forward":
            yield variant, lambda: F.scaled_dot_product_attention(*tensors)
            continue
        inputs = [a.detach().requires_grad_() for a in tensors]
        with torch.enable_grad():
            y = F.scaled_dot_product_attention(*inputs)
        yield variant, gradient(y, inputs, torch.randn_like(y))


def linear(r, method):
    rows, inputs, outputs = extents(r["geometry"])
    x = torch.randn(r["batch"] * rows, inputs, dtype=DTYPES[r["dtype"]])
    dy = torch.randn(r["batch"] * rows, outputs, dtype=x.dtype)
    weight, bias = torch.randn(outputs, inputs, dtype=x.dtype), torch.zeros(outputs, dtype=x.dtype)
    calls = {
        "linear": lambda: F.linear(x, weight, bias),
        "linearGradientInput": lambda: dy.mm(weight),
        "linearGradientWeight": lambda: (dy.t().mm(x), dy.sum(0)),
    }
    yield "contiguous", calls[method]


def resampling(r, method):
    h, w, c = extents(r["image"])
    for layout in LAYOUTS:
        x = images(r, layout, h, w, c)
        if method.startswith("maxPool"):
            y, argmax = aten.max_pool2d_with_indices(x, [2, 2], [2, 2])
            dy = torch.randn_like(y)
            calls = {
                "maxPool": lambda: aten.max_pool2d_with_indices(x, [2, 2], [2, 2]),
                "maxPoolGradient": lambda: aten.max_pool2d_with_indices_backward(
                    dy, x, [2, 2], [2, 2], [0, 0], [1, 1], False, argmax
                ),
            }
        else:
            with torch.enable_grad():
                y = F.interpolate(x.requires_grad_(), scale_factor=2, mode="nearest")
            calls = {
                "nearest": lambda: F.interpolate(x, scale_factor=2, mode="nearest"),
                "nearestGradient": gradient(y, [x], torch.randn_like(y)),
            }
        yield layout, calls[method]


def adam(r, method):
    parameter = torch.randn(r["elements"], requires_grad=True)
    parameter.grad = torch.randn(r["elements"])
    optimizer = torch.optim.AdamW([parameter], lr=1e-6, weight_decay=0.01, fused=True)
    yield "fused", optimizer.step


def squared_loss(r, method):
    for layout in LAYOUTS:
        x, target = (images(r, layout, *extents(r["image"])) for _ in range(2))
        x.requires_grad_()

        def call():
            with torch.enable_grad():
                return torch.autograd.grad(F.mse_loss(x, target), x)

        yield layout, call


def normal(r, method):
    y = images(r, "contiguous", *extents(r["image"]))
    yield "randn", lambda: torch.randn(y.shape, dtype=y.dtype)
    yield "in place", lambda: y.normal_()


FAMILIES = {
    "ConvolutionBenchmark": convolution,
    "NormalizationBenchmark": group_norm,
    "AttentionBenchmark": attention,
    "MatrixProductBenchmark": linear,
    "ResamplingBenchmark": resampling,
    "ParameterUpdateBenchmark": adam,
    "ReductionBenchmark": squared_loss,
    "RandomFillBenchmark": normal,
}


def microseconds(call, seconds):
    """The median over the rounds of a call's mean time."""
    means = []
    for round_seconds in [0.3 * seconds] + ROUNDS * [0.2 * seconds]:  # the first one warms up
        calls, start = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - start) < round_seconds or calls == 0:
            call()
            calls += 1
        means.append(elapsed / calls * 1e6)
    return statistics.median(means[1:])


def answer(request, seconds):
    benchmark, method = request["operator"].split(".")
    with torch.no_grad():
        times = {variant: microseconds(call, seconds) for variant, call in FAMILIES[benchmark](request, method)}
    best = min(times, key=times.get)
    return {"us": times[best], "variant": best, "variants": times}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=1, help="about the time that one variant of an operator takes")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    print(json.dumps({"ready": True, "version": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
    for line in sys.stdin:
        if line.strip() == "quit":
            return
        try:
            reply = answer(json.loads(line), options.seconds)
        except Exception as e:  # one operator that fails leaves the others
            reply = {"failed": f"{type(e).__name__}: {e}".splitlines()[0]}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
