"""What the peers in Python share: their arguments, and how they obey the commands of PROTOCOL.md or run alone.

A training has check(), train(steps), sample(count), memory() and identity().
"""

import argparse
import contextlib
import json
import math
import pathlib
import resource
import statistics
import sys
import time
import traceback

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "ddpm/src/test/golden"))

import formula  # noqa: E402, from that folder

PRECISIONS = ("fp32", "tf32", "bf16")
SAMPLING_STEPS = 50
EMA_DECAY = 0.999


def parser(description):
    found = argparse.ArgumentParser(description=description)
    found.add_argument("--network", default="mnist-unet", help="one of networks.py")
    found.add_argument("--batch", type=int, default=32, metavar="N")
    found.add_argument("--device", default="cpu")
    found.add_argument("--devices", action="store_true", help="say the version, and how many devices of the kind there are")
    found.add_argument("--threads", type=int, default=2, metavar="N")
    found.add_argument("--warmup", type=int, default=3, metavar="STEPS")
    found.add_argument("--blocks", type=int, default=7, metavar="B")
    found.add_argument("--steps-per-block", type=int, default=5, metavar="K")
    found.add_argument("--json", type=pathlib.Path, metavar="FILE", help="where the result goes besides stdout")
    found.add_argument("--protocol", choices=["stdio"], help="obey commands from standard input")
    return found


def batch(shape, steps):
    """PROTOCOL.md's batch of images of that shape, [n, channels, height, width]: x, target, and t of 0..steps-1."""
    count = math.prod(shape)
    target = math.sqrt(3.0) * formula.symmetric(1001, count)
    x = 0.6 * formula.symmetric(1000, count) + 0.8 * target
    t = (formula.uniform(1002, shape[0]) * steps).astype(np.int64)
    return x.astype(np.float32).reshape(shape), target.astype(np.float32).reshape(shape), t


def run(arguments, networks, training, out):
    """Obeys, or measures alone; `training` makes one of the arguments. `out` is standard output, which is the protocol's alone."""
    if arguments.network not in networks:
        sys.exit(f"--network {arguments.network}: expected one of {', '.join(networks)}")
    if not arguments.protocol:
        return alone(training(arguments), arguments, out)
    try:
        serve(training(arguments), arguments, out)
    except Exception as e:  # whatever it is, the other side wants to know
        traceback.print_exc()
        print(json.dumps({"error": first_line(e)}), file=out, flush=True)
        sys.exit(1)


def serve(training, arguments, out):
    def reply(message):
        print(json.dumps(message), file=out, flush=True)

    reply({"ready": True, **training.identity()})
    for line in sys.stdin:
        command, _, count = line.strip().partition(" ")
        if command == "quit":
            return
        if command == "check":
            reply(training.check())
        elif command == "warmup":
            reply(training.train(arguments.warmup))
        elif command == "block":
            reply(training.train(arguments.steps_per_block))
        elif command == "sample":
            reply(training.sample(int(count or arguments.batch)))
        elif command == "memory":
            reply({"peak_rss_bytes": peak_rss_bytes(), **training.memory()})
        else:
            reply({"error": f"unknown command {command!r}; expected check, warmup, block, sample, memory or quit"})


def alone(training, arguments, out):
    check = training.check()
    training.train(arguments.warmup)
    blocks = [training.train(arguments.steps_per_block)["ms_per_step"] for _ in range(arguments.blocks)]
    medians = [statistics.median(block) for block in blocks]
    median = statistics.median(medians)
    result = {
        **training.identity(),
        "check": check,
        "block_medians_ms": medians,
        "median_ms": median,
        "images_per_second": arguments.batch / median * 1e3,
        "peak_rss_bytes": peak_rss_bytes(),
        **training.memory(),
    }
    text = json.dumps(result, indent=2)
    if arguments.json:
        arguments.json.write_text(text + "\n")
    print(text, file=out)


def each_timed(count, work):
    """Times each call of what gives a number; the milliseconds, and the last number."""
    times = []
    for _ in range(count):
        start = time.perf_counter()
        value = work()
        times.append((time.perf_counter() - start) * 1e3)
    return {"ms_per_step": times, "loss": value}


def first_line(error):
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def peak_rss_bytes():
    """VmHWM, this process alone; ru_maxrss, which a parent's size may raise, where there is no /proc."""
    with contextlib.suppress(OSError):
        for line in pathlib.Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
