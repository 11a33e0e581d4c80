"""The networks of the benchmarks in JAX, as somebody who wants it to be fast would write them: functions of a dict of arrays.

The names are those of PyTorch's state_dict. Activations are NHWC, weights HWIO (of transposed convolutions HWOI, of linear layers
IO): `placed` brings PyTorch's layouts there. The weights' dtype is that of products and of what layers pass on; biases,
normalizations and their statistics are fp32, and sums over a batch or an image are too, forward and backward.
"""

import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.nn import gelu, relu, silu

BATCH_MOMENTUM = 0.1


# Layers ---------------------------------------------------------------------------------------------------------------


class Shapes(dict):
    """{name: shape} in PyTorch's order and layout, which the formula's weights follow."""

    def linear(self, name, inputs, outputs, bias=True):
        self[f"{name}.weight"] = (outputs, inputs)
        if bias:
            self[f"{name}.bias"] = (outputs,)

    def convolution(self, name, channels, out_channels, kernel):
        self[f"{name}.weight"] = (out_channels, channels, kernel, kernel)
        self[f"{name}.bias"] = (out_channels,)

    def transposed(self, name, channels, out_channels, kernel):
        self[f"{name}.weight"] = (channels, out_channels, kernel, kernel)
        self[f"{name}.bias"] = (out_channels,)

    def norm(self, name, channels):
        self[f"{name}.weight"] = self[f"{name}.bias"] = (channels,)

    def batch_norm(self, name, channels):
        self.norm(name, channels)
        self[f"{name}.running_mean"] = self[f"{name}.running_var"] = (channels,)
        self[f"{name}.num_batches_tracked"] = ()


def placed(weight):
    """OIHW to HWIO, IOHW to HWOI, OI to IO."""
    return weight.transpose({4: (2, 3, 1, 0), 2: (1, 0)}.get(weight.ndim, range(weight.ndim)))


def biased(p, name, y):
    bias = p.get(f"{name}.bias")
    return y if bias is None else (y.astype(jnp.float32) + bias).astype(y.dtype)


def linear(p, name, x):
    weight = p[f"{name}.weight"]
    return biased(p, name, x.astype(weight.dtype) @ weight)


def convolution(p, name, x, stride=1, padding=None):
    """Without a padding the image keeps its size, divided by the stride."""
    weight = p[f"{name}.weight"]
    x = x.astype(weight.dtype)
    if weight.shape[0] == 1:
        return biased(p, name, x @ weight[0, 0])
    half = (weight.shape[0] - 1) // 2
    padding = padding or [(half, half)] * 2
    y = lax.conv_general_dilated(x, weight, (stride, stride), padding, dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return biased(p, name, y)


def transposed(p, name, x, padding, stride=2):
    """A convolution's gradient of its input; written so that XLA finds it: a dilated input and a reversed kernel."""
    weight = p[f"{name}.weight"]
    around = [(weight.shape[0] - 1 - padding,) * 2] * 2
    dilation, numbers = (stride, stride), ("NHWC", "HWOI", "NHWC")
    kernel = weight[::-1, ::-1]
    y = lax.conv_general_dilated(
        x.astype(weight.dtype), kernel, (1, 1), around, lhs_dilation=dilation, dimension_numbers=numbers
    )
    return biased(p, name, y)


def tiled(p, name, x, output_padding=0):
    """A transposed convolution whose stride is its kernel's size: each pixel becomes a tile of its own, by one product."""
    weight = p[f"{name}.weight"]
    n, h, w, _ = x.shape
    k, _, channels, _ = weight.shape
    y = jnp.einsum("nhwi,kloi->nhkwlo", x.astype(weight.dtype), weight).reshape(n, k * h, k * w, channels)
    return biased(p, name, jnp.pad(y, ((0, 0), (0, output_padding), (0, output_padding), (0, 0))))


def moments(x, axes):
    """Mean and variance in one pass over x."""
    mean = x.mean(axes, keepdims=True)
    return mean, jnp.maximum((x * x).mean(axes, keepdims=True) - mean * mean, 0.0)


def group_norm(p, name, x, groups, activation=lambda y: y, epsilon=1e-5):
    grouped = x.astype(jnp.float32).reshape(*x.shape[:3], groups, -1)
    mean, variance = moments(grouped, (1, 2, 4))
    y = ((grouped - mean) * lax.rsqrt(variance + epsilon)).reshape(x.shape)
    return activation(y * p[f"{name}.weight"] + p[f"{name}.bias"]).astype(x.dtype)


def batch_norm(p, name, x, moving, epsilon=1e-5):
    """In training `moving` is a dict that takes the new running statistics; None in evaluation."""
    y = x.astype(jnp.float32)
    mean, variance = p[f"{name}.running_mean"], p[f"{name}.running_var"]
    if moving is not None:
        count = math.prod(x.shape[:3])
        old = {"running_mean": mean, "running_var": variance}
        mean, variance = (a.reshape(-1) for a in moments(y, (0, 1, 2)))
        new = {"running_mean": mean, "running_var": variance * (count / (count - 1))}
        moving.update({f"{name}.{key}": old[key] + BATCH_MOMENTUM * lax.stop_gradient(new[key] - old[key]) for key in old})
    y = (y - mean) * lax.rsqrt(variance + epsilon)
    return (y * p[f"{name}.weight"] + p[f"{name}.bias"]).astype(x.dtype)


def max_pool(x):
    n, h, w, c = x.shape
    return x[:, : h // 2 * 2, : w // 2 * 2].reshape(n, h // 2, 2, w // 2, 2, c).max((2, 4))


def with_time(x, time):
    """To every pixel its image's row."""
    return (x.astype(jnp.float32) + time.astype(jnp.float32)[:, None, None, :]).astype(x.dtype)


def joined(x, skip):
    return jnp.concatenate((x, skip), -1)


def doubled(x):
    """Each pixel becomes four."""
    n, h, w, c = x.shape
    return jnp.broadcast_to(x[:, :, None, :, None], (n, h, 2, w, 2, c)).reshape(n, 2 * h, 2 * w, c)


def sines_then_cosines(t, width):
    """[sin(w0 t), sin(w1 t), ..., cos(w0 t), ...] of `width` numbers, w_k = 10000^(-k/(width/2 - 1))."""
    half = width // 2
    frequencies = np.exp(np.arange(half) * -(math.log(10000) / (half - 1))).astype(np.float32)
    angles = t[:, None].astype(jnp.float32) * frequencies
    return jnp.concatenate((jnp.sin(angles), jnp.cos(angles)), -1)


@functools.cache
def flash_attention(tokens, heads, channels):
    """Whether cuDNN has attention and its gradient on this GPU for that geometry; its limits differ from one to another."""
    rows = jax.ShapeDtypeStruct((1, tokens, heads, channels), jnp.bfloat16)

    def total(q, k, v):
        return jax.nn.dot_product_attention(q, k, v, implementation="cudnn").astype(jnp.float32).sum()

    try:
        jax.jit(jax.grad(total, (0, 1, 2))).lower(rows, rows, rows).compile()
        return True
    except Exception:  # whatever it raises, XLA has it
        return False


def attention(q, k, v):
    """Of [n, tokens, heads, channels of a head]."""
    cudnn = q.dtype == jnp.bfloat16 and jax.default_backend() == "gpu" and flash_attention(*q.shape[1:])
    return jax.nn.dot_product_attention(q, k, v, implementation="cudnn" if cudnn else "xla")


# mnist-unet -----------------------------------------------------------------------------------------------------------

MNIST_DOWNS = {"encoder.down1": (64, 64), "encoder.down2": (64, 128), "encoder.down3": (128, 128)}
MNIST_UPS = {"decoder.up2": (256, 128), "decoder.up3": (256, 64), "decoder.up4": (128, 64)}


def mnist_shapes():
    shapes = Shapes()

    def block(name, channels, out_channels):
        shapes.convolution(f"{name}.0", channels, out_channels, 3)
        shapes.norm(f"{name}.1", out_channels)

    block("encoder.initial_features", 1, 64)
    for name, channels in MNIST_DOWNS.items():
        block(f"{name}.model.0.block", *channels)
    shapes.transposed("decoder.up1.0", 128, 128, 3)
    shapes.norm("decoder.up1.1", 128)
    for name, (channels, out_channels) in MNIST_UPS.items():
        shapes.transposed(f"{name}.model.0", channels, out_channels, 2)
        block(f"{name}.model.1.block", out_channels, out_channels)
    shapes.convolution("decoder.out", 128, 1, 3)
    shapes.linear("time_embedding_layer.lin1", 1, 32, bias=False)
    shapes.linear("time_embedding_layer.lin2", 32, 128)
    return shapes


def mnist_unet(p, x, t, moving=None):
    def block(name, x):
        return group_norm(p, f"{name}.1", convolution(p, f"{name}.0", x), 8, relu)

    skips = [block("encoder.initial_features", x)]
    for name in MNIST_DOWNS:
        skips.append(max_pool(block(f"{name}.model.0.block", skips[-1])))
    latent = relu(skips[-1].mean((1, 2), keepdims=True))
    time = jnp.sin(linear(p, "time_embedding_layer.lin1", t[:, None]).astype(jnp.float32))
    x = with_time(latent, linear(p, "time_embedding_layer.lin2", time))
    x = group_norm(p, "decoder.up1.1", tiled(p, "decoder.up1.0", x), 8, relu)
    for name in MNIST_UPS:
        x = joined(x, skips.pop())
        x = block(f"{name}.model.1.block", tiled(p, f"{name}.model.0", x, skips[-1].shape[1] % 2))
    return convolution(p, "decoder.out", joined(x, skips.pop()))


# ddpm-unet ------------------------------------------------------------------------------------------------------------

DDPM_CHANNELS, DDPM_GROUPS, DDPM_HEADS = (32, 64, 128), 4, 4
DDPM_TIME = 4 * DDPM_CHANNELS[0]
DDPM_WAVES = 1000


def ddpm_shapes():
    shapes = Shapes()

    def residual(name, channels, out_channels):
        shapes.linear(f"{name}.mlp.1", DDPM_TIME, out_channels)
        for block, inputs in (("block1", channels), ("block2", out_channels)):
            shapes.convolution(f"{name}.{block}.0", inputs, out_channels, 3)
            shapes.norm(f"{name}.{block}.1", out_channels)
        if channels != out_channels:
            shapes.convolution(f"{name}.res_conv", channels, out_channels, 1)

    def attending(name, channels):
        shapes.norm(f"{name}.norm", channels)
        shapes.linear(f"{name}.attn.in_proj", channels, 3 * channels)
        shapes.linear(f"{name}.attn.out_proj", channels, channels)

    def resolution(name, channels, out_channels):
        residual(f"{name}.block0", channels, out_channels)
        residual(f"{name}.block1", out_channels, out_channels)
        attending(f"{name}.attn", out_channels)

    first, last = DDPM_CHANNELS[0], DDPM_CHANNELS[-1]
    shapes.convolution("init_conv", 1, first, 7)
    shapes["time_mlp.0.wk"] = (DDPM_WAVES // 2,)
    shapes.linear("time_mlp.1", DDPM_WAVES, DDPM_TIME)
    shapes.linear("time_mlp.3", DDPM_TIME, DDPM_TIME)
    for i, (channels, out_channels) in enumerate(zip((first, *DDPM_CHANNELS), DDPM_CHANNELS)):
        resolution(f"downs.{i}", channels, out_channels)
        if i + 1 < len(DDPM_CHANNELS):
            shapes.convolution(f"downs.{i}.downsample", out_channels, out_channels, 4)
    residual("mid.mid_block1", last, last)
    attending("mid.mid_attn", last)
    residual("mid.mid_block2", last, last)
    for i, (channels, out_channels) in enumerate(zip(DDPM_CHANNELS[:0:-1], DDPM_CHANNELS[-2::-1])):
        resolution(f"ups.{i}", 2 * channels, out_channels)
        shapes.transposed(f"ups.{i}.upsample", out_channels, out_channels, 4)
    residual("final_block", first, first)
    shapes.convolution("final_conv", first, 1, 1)
    return shapes


def ddpm_unet(p, x, t, moving=None):
    def block(name, x):
        return group_norm(p, f"{name}.1", convolution(p, f"{name}.0", x), DDPM_GROUPS, silu)

    def residual(name, x):
        h = with_time(block(f"{name}.block1", x), linear(p, f"{name}.mlp.1", silu(time)))
        shortcut = f"{name}.res_conv"
        return block(f"{name}.block2", h) + (convolution(p, shortcut, x) if f"{shortcut}.weight" in p else x)

    def attending(name, x):
        n, h, w, c = x.shape
        qkv = linear(p, f"{name}.attn.in_proj", group_norm(p, f"{name}.norm", x, 1))
        qkv = qkv.reshape(n, h * w, 3, DDPM_HEADS, c // DDPM_HEADS)
        y = attention(qkv[:, :, 0], qkv[:, :, 1], qkv[:, :, 2])
        return x + linear(p, f"{name}.attn.out_proj", y.reshape(x.shape))

    def resolution(name, x):
        return attending(f"{name}.attn", residual(f"{name}.block1", residual(f"{name}.block0", x)))

    frequencies = np.float32(10000) ** (-np.arange(0, DDPM_WAVES, 2, dtype=np.float32) / np.float32(DDPM_WAVES))
    angles = t[:, None].astype(jnp.float32) * frequencies
    waves = jnp.stack((jnp.sin(angles), jnp.cos(angles)), -1).reshape(len(t), DDPM_WAVES)
    time = linear(p, "time_mlp.3", gelu(linear(p, "time_mlp.1", waves), approximate=False))

    x = convolution(p, "init_conv", x)
    skips = []
    for i in range(len(DDPM_CHANNELS)):
        skips.append(resolution(f"downs.{i}", x))
        last = i + 1 == len(DDPM_CHANNELS)
        x = skips[-1] if last else convolution(p, f"downs.{i}.downsample", skips[-1], stride=2)
    x = residual("mid.mid_block2", attending("mid.mid_attn", residual("mid.mid_block1", x)))
    for i in range(len(DDPM_CHANNELS) - 1):
        x = transposed(p, f"ups.{i}.upsample", resolution(f"ups.{i}", joined(x, skips.pop())), padding=1)
    return convolution(p, "final_conv", residual("final_block", x))


# simple-unet ----------------------------------------------------------------------------------------------------------

SIMPLE_CHANNELS, SIMPLE_TIME = (64, 128, 256, 512, 1024), 32
SIMPLE_DEPTH = len(SIMPLE_CHANNELS) - 1


def simple_shapes():
    shapes = Shapes()

    def block(name, inputs, channels, transform):
        shapes.linear(f"{name}.time_mlp", SIMPLE_TIME, channels)
        shapes.convolution(f"{name}.conv1", inputs, channels, 3)
        transform(f"{name}.transform", channels, channels, 4)
        shapes.convolution(f"{name}.conv2", channels, channels, 3)
        shapes.batch_norm(f"{name}.bnorm1", channels)
        shapes.batch_norm(f"{name}.bnorm2", channels)

    shapes.linear("time_mlp.1", SIMPLE_TIME, SIMPLE_TIME)
    shapes.convolution("conv0", 3, SIMPLE_CHANNELS[0], 3)
    for i in range(SIMPLE_DEPTH):
        block(f"downs.{i}", SIMPLE_CHANNELS[i], SIMPLE_CHANNELS[i + 1], shapes.convolution)
    for i in range(SIMPLE_DEPTH):
        block(f"ups.{i}", 2 * SIMPLE_CHANNELS[-1 - i], SIMPLE_CHANNELS[-2 - i], shapes.transposed)
    shapes.convolution("output", SIMPLE_CHANNELS[0], 3, 1)
    return shapes


def simple_unet(p, x, t, moving=None):
    def block(name, x):
        h = batch_norm(p, f"{name}.bnorm1", relu(convolution(p, f"{name}.conv1", x)), moving)
        h = with_time(h, relu(linear(p, f"{name}.time_mlp", time)))
        return batch_norm(p, f"{name}.bnorm2", relu(convolution(p, f"{name}.conv2", h)), moving)

    time = relu(linear(p, "time_mlp.1", sines_then_cosines(t, SIMPLE_TIME)))
    x = convolution(p, "conv0", x)
    skips = []
    for i in range(SIMPLE_DEPTH):
        x = convolution(p, f"downs.{i}.transform", block(f"downs.{i}", x), stride=2)
        skips.append(x)
    for i in range(SIMPLE_DEPTH):
        x = transposed(p, f"ups.{i}.transform", block(f"ups.{i}", joined(x, skips.pop())), padding=1)
    return convolution(p, "output", x)


# cifar-unet -----------------------------------------------------------------------------------------------------------

CIFAR_CHANNELS, CIFAR_GROUPS = (128, 256, 256, 256), 32
CIFAR_TIME = 4 * CIFAR_CHANNELS[0]
CIFAR_DEPTH = len(CIFAR_CHANNELS)
ATTENDING = 1  # the resolution with attention


def cifar_shapes():
    shapes = Shapes()

    def attending(name, channels):
        shapes.norm(f"{name}.group_norm", channels)
        for projection in ("to_q", "to_k", "to_v", "to_out.0"):
            shapes.linear(f"{name}.{projection}", channels, channels)

    def residual(name, channels, out_channels):
        shapes.norm(f"{name}.norm1", channels)
        shapes.convolution(f"{name}.conv1", channels, out_channels, 3)
        shapes.linear(f"{name}.time_emb_proj", CIFAR_TIME, out_channels)
        shapes.norm(f"{name}.norm2", out_channels)
        shapes.convolution(f"{name}.conv2", out_channels, out_channels, 3)
        if channels != out_channels:
            shapes.convolution(f"{name}.conv_shortcut", channels, out_channels, 1)

    def resolution(name, i, inputs):
        for j in range(len(inputs) if i == ATTENDING else 0):
            attending(f"{name}.attentions.{j}", CIFAR_CHANNELS[i])
        for j, channels in enumerate(inputs):
            residual(f"{name}.resnets.{j}", channels, CIFAR_CHANNELS[i])

    first, last = CIFAR_CHANNELS[0], CIFAR_CHANNELS[-1]
    shapes.convolution("conv_in", 3, first, 3)
    shapes.linear("time_embedding.linear_1", first, CIFAR_TIME)
    shapes.linear("time_embedding.linear_2", CIFAR_TIME, CIFAR_TIME)
    skips = [first]
    for i, channels in enumerate(CIFAR_CHANNELS):
        resolution(f"down_blocks.{i}", i, (skips[-1], channels))
        skips += [channels, channels]
        if i + 1 < CIFAR_DEPTH:
            shapes.convolution(f"down_blocks.{i}.downsamplers.0.conv", channels, channels, 3)
            skips.append(channels)
    below = last
    for j, i in enumerate(reversed(range(CIFAR_DEPTH))):
        channels = CIFAR_CHANNELS[i]
        resolution(f"up_blocks.{j}", i, [inputs + skips.pop() for inputs in (below, channels, channels)])
        if i > 0:
            shapes.convolution(f"up_blocks.{j}.upsamplers.0.conv", channels, channels, 3)
        below = channels
    attending("mid_block.attentions.0", last)
    for j in range(2):
        residual(f"mid_block.resnets.{j}", last, last)
    shapes.norm("conv_norm_out", first)
    shapes.convolution("conv_out", first, 3, 3)
    return shapes


def cifar_unet(p, x, t, moving=None):
    def norm(name, x, activation=lambda y: y):
        return group_norm(p, name, x, CIFAR_GROUPS, activation, epsilon=1e-6)

    def residual(name, x):
        h = convolution(p, f"{name}.conv1", norm(f"{name}.norm1", x, silu))
        h = with_time(h, linear(p, f"{name}.time_emb_proj", silu(time)))
        h = convolution(p, f"{name}.conv2", norm(f"{name}.norm2", h, silu))
        shortcut = f"{name}.conv_shortcut"
        return h + (convolution(p, shortcut, x) if f"{shortcut}.weight" in p else x)

    def attending(name, x):
        n, h, w, c = x.shape
        pixels = norm(f"{name}.group_norm", x)
        q, k, v = (linear(p, f"{name}.to_{what}", pixels).reshape(n, h * w, 1, c) for what in "qkv")
        return x + linear(p, f"{name}.to_out.0", attention(q, k, v).reshape(x.shape))

    def layer(name, j, x):
        x = residual(f"{name}.resnets.{j}", x)
        attends = f"{name}.attentions.{j}"
        return attending(attends, x) if f"{attends}.to_q.weight" in p else x

    waves = sines_then_cosines(t, CIFAR_CHANNELS[0])
    time = linear(p, "time_embedding.linear_2", silu(linear(p, "time_embedding.linear_1", waves)))
    x = convolution(p, "conv_in", x)
    skips = [x]
    for i in range(CIFAR_DEPTH):
        for j in range(2):
            x = layer(f"down_blocks.{i}", j, x)
            skips.append(x)
        if i + 1 < CIFAR_DEPTH:
            x = convolution(p, f"down_blocks.{i}.downsamplers.0.conv", x, stride=2, padding=[(0, 1)] * 2)
            skips.append(x)
    x = residual("mid_block.resnets.1", layer("mid_block", 0, x))
    for i in range(CIFAR_DEPTH):
        for j in range(3):
            x = layer(f"up_blocks.{i}", j, joined(x, skips.pop()))
        if i + 1 < CIFAR_DEPTH:
            x = convolution(p, f"up_blocks.{i}.upsamplers.0.conv", doubled(x))
    return convolution(p, "conv_out", norm("conv_norm_out", x, silu))


# The table ------------------------------------------------------------------------------------------------------------


class Network(NamedTuple):
    """Shapes of its state_dict; its function; [channels, height, width] of images; T; whether it is given (t + 1) / T, not t."""

    shapes: object
    function: object
    image: tuple
    steps: int
    fraction: bool = False


NETWORKS = {
    "mnist-unet": Network(mnist_shapes, mnist_unet, (1, 28, 28), 1000, fraction=True),
    "ddpm-unet": Network(ddpm_shapes, ddpm_unet, (1, 28, 28), 1000),
    "simple-unet": Network(simple_shapes, simple_unet, (3, 64, 64), 300),
    "cifar-unet": Network(cifar_shapes, cifar_unet, (3, 32, 32), 1000),
}
