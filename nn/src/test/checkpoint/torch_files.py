#!/usr/bin/env python3
"""Files that torch.save wrote, for the tests of dev.gatun.nn.checkpoint; and what torch makes of ours.

    python torch_files.py write ../resources/checkpoint      the committed files; needs torch
    python torch_files.py echo IN OUT                        loads IN with weights_only=True, prints it, saves it as OUT

Element i of a tensor of n elements is i - 2 unless said otherwise: every type can hold that, and a test can tell.
"""

import collections
import pathlib
import sys

import torch

FLOATS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8)


def count(*shape, dtype=torch.float32):
    n = 1
    for extent in shape:
        n *= extent
    return (torch.arange(n) - 2).to(dtype).reshape(shape)


def layers():
    """The parameters of the network that CheckpointTest declares, after one step of training."""
    network = torch.nn.ModuleDict(
        {
            "conv": torch.nn.Conv2d(2, 3, 2),
            "up": torch.nn.ConvTranspose2d(3, 2, 2, stride=2),
            "bn": torch.nn.BatchNorm2d(3),
            "fc": torch.nn.Linear(3, 5),
        }
    )
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(count(*parameter.shape))
        network["bn"](torch.ones(2, 3, 4, 4))
    return network.state_dict()


def types():
    named = {str(dtype).split(".")[1]: count(5, dtype=dtype) for dtype in FLOATS + INTEGERS}
    named["uint8"] = torch.tensor([0, 1, 255], dtype=torch.uint8)
    named["bool"] = torch.tensor([True, False, True])
    named["uint16"] = torch.tensor([1, 65535], dtype=torch.uint16)
    named["float8_e4m3fn"] = torch.tensor([1.0, -2.0], dtype=torch.float8_e4m3fn)
    return named


def views():
    """Tensors that do not own their storage from end to end."""
    base = count(4, 6)
    return collections.OrderedDict(
        base=base,
        transposed=base.t(),
        columns=base[:, 1:4],
        row=base[2],
        every_other=base[::2, ::3],
        channels_last=count(1, 2, 2, 3).contiguous(memory_format=torch.channels_last),
        expanded=torch.tensor([7.0]).expand(3),
        scalar=torch.tensor(41, dtype=torch.int64),
        empty=torch.zeros(0, 3),
        parameter=torch.nn.Parameter(count(3)),
    )


def nested():
    return {"epoch": 3, "lr": 2e-4, "name": "run", "done": False, "best": None, "model": layers(), "history": [1, (2, 3)]}


def write(folder):
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(layers(), folder / "layers.pth")
    torch.save(layers(), folder / "legacy.pth", _use_new_zipfile_serialization=False)
    torch.save(layers(), folder / "protocol4.pth", pickle_protocol=4)
    torch.save(types(), folder / "types.pth")
    torch.save(views(), folder / "views.pth")
    torch.save(nested(), folder / "nested.pth")
    torch.save({"model": layers(), "ema": layers(), "step": 7}, folder / "two.pth")
    torch.save({"a": torch.ones(1), "step": 7}, folder / "mixed.pth")
    torch.save([torch.ones(1)], folder / "list.pth")
    torch.save(torch.nn.Linear(1, 1), folder / "module.pth")


def echo(source, target):
    tensors = torch.load(source, weights_only=True)
    assert isinstance(tensors, dict), type(tensors)
    for name, tensor in tensors.items():
        print(name, str(tensor.dtype).split(".")[1], list(tensor.shape), tensor.double().sum().item())
    torch.save(tensors, target)


if __name__ == "__main__":
    if sys.argv[1:2] == ["write"] and len(sys.argv) == 3:
        write(pathlib.Path(sys.argv[2]))
    elif sys.argv[1:2] == ["echo"] and len(sys.argv) == 4:
        echo(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))
    else:
        sys.exit(__doc__)
