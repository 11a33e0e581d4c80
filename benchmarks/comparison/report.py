"""What was measured, as one JSON object and as Markdown."""

import datetime
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess

from comparison.peers import BENCHMARKS, JAX, peer_name


def compared(groups, order):
    """Of groups of times, each {peer: [ms or s of each round]} with Gatun: a row for each peer in the order, and the best PyTorch.

    The ratio of a peer is its time over Gatun's in the same round, by which Gatun is as many times as quick: median and range.
    """
    rows = []
    for name in order:
        times, ratios = [], []
        for group in groups:
            times += group.get(name, [])
            ratios += [t / g for t, g in zip(group.get(name, []), group["gatun"])]
        if not times:
            continue
        low, _, high = statistics.quantiles(times, n=4, method="inclusive") if len(times) > 1 else (times[0],) * 3
        row = {"peer": name, "median": statistics.median(times), "min": min(times), "max": max(times), "iqr": high - low}
        row["all"] = times
        if name != "gatun":
            row.update(ratio=statistics.median(ratios), ratio_by_round=ratios)
        rows.append(row)
    best = min((row for row in rows if of_pytorch(row["peer"])), key=lambda row: row["ratio"], default=None)
    return {"rows": rows, "best_pytorch": best and best["peer"], "ratio": best and best["ratio"]}


def of_pytorch(name):
    return name.startswith("pytorch")


def references(table):
    """The rows that Gatun is held against: PyTorch's best and JAX's, as far as there are."""
    return [row for row in table["rows"] if row["peer"] in (table["best_pytorch"], JAX)]


def result(session):
    """What one session found."""
    network, batch, precision = session.setting
    order = [peer_name(mode) for mode in session.options.modes] + ["gatun"]
    found = {"network": network, "batch": batch, "precision": precision}
    if session.steps:
        found["step"] = compared(session.steps, order)
        for row in found["step"]["rows"]:
            row["images_per_second"] = batch / row["median"] * 1e3
            row.update(session.facts[row["peer"]])
    timed = [group for group in session.steps_by_events if "gatun" in group]
    if timed:
        found["step_by_events"] = compared(timed, order)
    for key, groups in (("sampling", session.samplings), ("start", {None: session.starts})):
        tables = {count: compared(times, order) for count, times in groups.items() if times}
        if tables:
            found[key] = tables if key == "sampling" else tables[None]
    return {**found, "dropped": session.dropped, "checks": session.checks}


def write(report, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "compare.json").write_text(json.dumps(report, indent=2) + "\n")
    (folder / "compare.md").write_text(markdown(report))


def markdown(report):
    lines = ["# PyTorch, JAX and Gatun in turn", ""]
    lines += [f"- {key}: {value}" for key, value in report["conditions"].items()]
    if "ceilings" in report:
        c = report["ceilings"]
        products = ", ".join(f"{name} {value:.4g}" for name, value in c["matrix_tflop_per_s"].items())
        lines.append(f"- a copy of {c['copied_bytes'] / 2**20:.0f} MiB reads and writes {c['copy_gb_per_s']:.4g} GB/s")
        lines.append(f"- a product of matrices of {c['matrix_size']} rows and columns, TFLOP/s: {products}")
    lines += ["", "A ratio is a peer's time over Gatun's in the same round: the median of all rounds, and their range."]
    for found in report["results"]:
        lines += ["", f"## {found['network']}, batch {found['batch']}, {found['precision']}", ""]
        if "step" in found:
            lines += step_table(found["step"])
        if "step_by_events" in found:
            lines += ["", f"By the device's clock, events around each block: {sentence(found['step_by_events'], 'ms')}"]
        for count, table in found.get("sampling", {}).items():
            lines += ["", f"{count} images by 50 steps of DDIM: {sentence(table, 'ms')}"]
        if "start" in found:
            lines += ["", f"From the start of the program to the end of the first training step: {sentence(found['start'], 's')}"]
        for name, why in found["dropped"].items():
            lines += ["", f"No result of {name}: {why}"]
        if "refused" in found:
            lines += ["", f"No comparison: {found['refused']}"]
        for name in found.get("profile", ()):
            lines += ["", f"Where Gatun's step spends its time: [{name}]({name})"]
    return "\n".join(lines) + "\n"


def step_table(table):
    device = any("device_memory_bytes" in row for row in table["rows"])
    head = ["peer", "ms/step (median)", "min..max", "IQR", "images/s", "ratio", "peak RSS", *(["device memory"] if device else [])]
    lines = ["| " + " | ".join(head) + " |", "| --- " * len(head) + "|"]
    for row in table["rows"]:
        cells = [
            row["peer"],
            f"{row['median']:.4g}",
            f"{row['min']:.4g}..{row['max']:.4g}",
            f"{row['iqr']:.2g}",
            f"{row['images_per_second']:.1f}",
            spread(row) if "ratio" in row else "",
            mebibytes(row.get("peak_rss_bytes")),
            *([mebibytes(row.get("device_memory_bytes"))] if device else []),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    parts = [f"Gatun's images/s over those of {row['peer']}: **{row['ratio']:.3f}**." for row in references(table)]
    for key, what in (("peak_rss_bytes", "Peak memory"), ("device_memory_bytes", "Device memory")):
        sizes = {row["peer"]: row[key] for row in table["rows"] if row.get(key)}
        others = {"PyTorch's smallest": [sizes[name] for name in sizes if of_pytorch(name)], "JAX's": [sizes.get(JAX)]}
        for whose, found in others.items():
            if "gatun" in sizes and any(found):
                parts.append(f"{what} over {whose}: {sizes['gatun'] / min(found):.2f}.")
    return [*lines, "", " ".join(parts)] if parts else lines


def sentence(table, unit):
    times = ", ".join(f"{row['peer']} {row['median']:.4g} {unit}" for row in table["rows"])
    ratios = [f"**{spread(row)}** times as quick as {row['peer']}" for row in references(table)]
    return f"{times}; Gatun {', '.join(ratios)}." if ratios else f"{times}."


def spread(row):
    rounds = row["ratio_by_round"]
    return f"{row['ratio']:.3f} ({min(rounds):.3f}..{max(rounds):.3f})"


def mebibytes(count):
    return "" if count is None else f"{count / 2**20:.0f} MiB"


def conditions(options):
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"note: the load average is {load:.1f}; on a busy machine the times mean little", flush=True)
    cores = ",".join(map(str, options.cores)) if options.cores else "all"
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit(),
        "machine": f"{cpu_model()}, {os.cpu_count()} processors, {platform.system()} {platform.release()}",
        "JAX": options.jax[0],
        "device, threads, cores": f"{options.device}, {options.threads}, {cores}",
        "load average at the start": f"{load:.2f}",
        "blocks, steps a block": f"{options.blocks}, {options.steps_per_block}",
        "warm-up of each peer": f"{options.warmup} steps and {options.warmup_seconds:g} s at least, "
        f"of samplings {options.warmup_sampling_seconds:g} s",
    }


def cpu_model():
    try:
        return re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())[1]
    except (OSError, TypeError):
        return platform.processor() or platform.machine()


def commit():
    built_from = BENCHMARKS.parent / "COMMIT"  # in the self-contained distribution
    if built_from.is_file():
        return built_from.read_text().strip()
    git = ["git", "-C", str(BENCHMARKS), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
    except OSError:
        return "unknown"
