"""Peers in turn: training steps, samplings, starts; and one alone: where its time goes."""

import json
import os
import shutil
import statistics
import subprocess
import time

from comparison import agreement
from comparison.peers import PYTORCH_SCRIPT, Refused, arguments, environment, gatun_command, mode_command, peer_name, pinned, started

SETTLE_SECONDS = 0.2  # an OpenMP thread spins for some milliseconds after its last work; let it fall asleep
PROFILED_WARMUP, PROFILED_STEPS = 5, 10


class Session:
    """One network, batch and precision: Gatun against groups of modes, as many at a time as memory allows.

    `dropped` says of a mode that has no result why. What Gatun refuses is raised: there is nothing to compare with then.
    """

    def __init__(self, options, setting, expected, deadline):
        self.options, self.setting, self.expected, self.deadline = options, setting, expected, deadline
        self.dropped = {}
        self.checks = {}
        self.facts = {}  # what is known of each peer beside its times
        self.steps = []  # of each group: the milliseconds of each peer's blocks
        self.steps_by_events = []  # the same by the device's clock, of the peers that read it
        self.samplings = {}  # by the number of images, then as above
        self.starts = []
        self.differ = False  # whether a mode computes something else

    def run(self, sampled, after_group):
        """`sampled`: the numbers of images that are drawn."""
        gatun = self.prepared("gatun", gatun_command(self.options, self.setting), float("inf"))
        try:
            group = self.options.resident or len(self.options.modes)
            for first in range(0, len(self.options.modes), group):
                deadline = self.deadline if first else float("inf")  # the first group has its results in any case
                self.run_group(gatun, self.options.modes[first : first + group], sampled, deadline)
                after_group()
        finally:
            gatun.close()

    def run_group(self, gatun, modes, sampled, deadline):
        peers = [gatun]
        try:
            for mode in modes:
                name = peer_name(mode)
                try:
                    if time.monotonic() > deadline:
                        raise Refused("no time left before the time limit")
                    peers.append(self.prepared(name, mode_command(self.options, self.setting, mode), deadline))
                except Refused as e:
                    self.drop(name, e)
            if self.options.check_only or len(peers) == 1 and self.steps:
                return
            blocks = self.in_turn(peers, self.options.blocks, "block", lambda answer: answer["loss"] < float("inf"))
            self.steps.append(medians(blocks))
            self.steps_by_events.append(by_events(blocks))
            for peer in list(peers):
                self.facts[peer.name].update(self.alive(peers, peer, "memory"))
            self.sample(peers, sampled)
        finally:
            for peer in peers[1:]:
                peer.close()

    def prepared(self, name, command, deadline):
        """A peer that computes the same and is warmed up."""
        before = used_device_memory(self.options)
        peer = started(self.options, name, command, deadline)
        try:
            network, batch, precision = self.setting
            asked = {"network": network, "batch": batch, "precision": precision, "threads": self.options.threads}
            got = {key: peer.identity.get(key) for key in asked}
            if got != asked:
                raise Refused(f"{name} runs {got}, but was asked for {asked}")
            try:
                self.checks[name] = agreement.require(peer, self.setting, self.expected)
            except agreement.Different:
                self.differ = True
                raise
            if not self.options.check_only:
                peer.ask_for("warmup", self.options.warmup_seconds)
            self.facts[name] = {"version": peer.identity.get("version")}
            after = used_device_memory(self.options)
            if before is not None and after is not None:
                self.facts[name]["device_memory_bytes"] = after - before
            return peer
        except BaseException:
            peer.close()
            raise

    def sample(self, peers, sampled):
        names = {"gatun", *map(peer_name, self.options.sampling_modes)}
        wanted = [peer for peer in peers if peer.name in names]
        for count in sampled if len(wanted) > 1 else ():
            for peer in list(wanted):
                try:
                    peer.ask_for(f"sample {count}", self.options.warmup_sampling_seconds)
                except Refused as e:
                    self.lose(wanted, peer, e)
            drawn = self.in_turn(wanted, self.options.samplings, f"sample {count}", lambda answer: abs(answer["loss"]) <= 1)
            self.samplings.setdefault(count, []).append(medians(drawn))

    def in_turn(self, peers, rounds, command, valid):
        """What every peer answers, in rounds; the first one changes from round to round."""
        answers = {peer.name: [] for peer in peers}
        for r in range(rounds):
            first = r % len(peers)
            for peer in peers[first:] + peers[:first]:
                time.sleep(SETTLE_SECONDS)
                try:
                    answer = peer.ask(command)
                    if not valid(answer):
                        raise Refused(f"{peer.name}: after '{command}' the loss, or the images' mean, is {answer['loss']}")
                    answers[peer.name].append(answer)
                except Refused as e:
                    self.lose(peers, peer, e)
                    del answers[peer.name]
        return answers

    def alive(self, peers, peer, command):
        try:
            return peer.ask(command)
        except Refused as e:
            self.lose(peers, peer, e)
            return {}

    def lose(self, peers, peer, why):
        if peer.name == "gatun":
            raise why
        self.drop(peer.name, why)
        peers.remove(peer)
        peer.close()

    def drop(self, name, why):
        self.dropped[name] = str(why).removeprefix(f"{name}: ")
        print(f"  {name} dropped: {self.dropped[name]}", flush=True)

    def measure_starts(self):
        """Seconds from the start of each peer to the end of its first training step, alone on the machine, in rounds."""
        modes = [mode for mode in self.options.modes if peer_name(mode) not in self.dropped]
        commands = {peer_name(mode): mode_command(self.options, self.setting, mode) for mode in modes}
        commands = {"gatun": gatun_command(self.options, self.setting), **commands}
        times = {name: [] for name in commands}
        for _ in range(self.options.starts):
            for name, command in commands.items():
                if name not in times:
                    continue
                start = time.monotonic()
                try:
                    if name != "gatun" and start > self.deadline:
                        raise Refused("no time left before the time limit")
                    peer = started(self.options, name, [*command, "--steps-per-block", "1"])
                    try:
                        peer.ask("block")
                        times[name].append(time.monotonic() - start)
                    finally:
                        peer.close()
                except Refused as e:
                    if name == "gatun":
                        raise
                    self.drop(f"{name} (its start)", e)
                    del times[name]
        self.starts = [times]


def medians(answers):
    """Of each peer's answers the milliseconds, of a block those of its steps' median."""
    return {name: [statistics.median(answer["ms_per_step"]) for answer in given] for name, given in answers.items()}


def by_events(answers):
    """Of each peer whose answers have it the milliseconds of a step by the device's clock."""
    key = "device_ms_per_step"
    return {name: [answer[key] for answer in given] for name, given in answers.items() if all(key in answer for answer in given)}


def used_device_memory(options):
    """Bytes of the GPU's memory in use, by all processes, as its driver says; None where it says nothing."""
    if not options.on_gpu:
        return None
    index = int(options.device.partition(":")[2] or 0)
    visible = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    query = ["nvidia-smi", "-i", visible[index] if index < len(visible) else str(index)]
    query += ["--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    try:
        return int(subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip()) * 2**20
    except (OSError, ValueError, subprocess.CalledProcessError):
        return None


def ceilings(options):
    """What train_step.py --ceilings measures of the device."""
    command = [options.python, PYTORCH_SCRIPT, "--ceilings", "--device", options.device, "--threads", str(options.threads)]
    done = subprocess.run(
        command,
        env=environment(options, "pytorch"),
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=pinned(options.cores),
        timeout=options.timeout,
        check=False,
    )
    if done.returncode != 0:
        raise Refused(f"the ceilings: {' '.join(command)} ended with status {done.returncode}")
    return json.loads(done.stdout)


def peaks(found, precision, device):
    """The ceilings as StepPeer's table of operators reads them; one bandwidth, as the caches' is not measured."""
    products = {name: 1e3 * value for name, value in found["matrix_tflop_per_s"].items()}
    fp32 = products.get(precision if precision == "tf32" else "fp32", products["fp32"])
    memory = found["copy_gb_per_s"]
    return {"device": device, "fp32": fp32, "bf16": products["bf16"], "memory": memory, "cache": memory, "cacheBytes": 0}


def profile(options, setting, ceiling, folder, files):
    """Adds files with where Gatun's step spends its time: by operator, and by kernel where Nsight Systems is installed."""
    network, batch, precision = setting
    stem = f"{network}-{batch}-{precision}"
    command = [*options.java, *arguments(options, *setting)]
    command += ["--warmup", str(PROFILED_WARMUP), "--steps-per-block", str(PROFILED_STEPS), "--blocks", "1"]

    variables = environment(options, "gatun")
    if ceiling:
        file = folder.absolute() / f"peaks-{stem}.json"
        file.write_text(json.dumps(peaks(ceiling, precision, options.device)) + "\n")
        variables["JDK_JAVA_OPTIONS"] = f"{variables.get('JDK_JAVA_OPTIONS', '')} -Dgatun.benchmarks.peaks={file}".strip()

    def run(program, output, stream):
        done = subprocess.run(
            program,
            env=variables,
            capture_output=True,
            text=True,
            timeout=options.timeout,
            preexec_fn=pinned(options.cores),
            check=False,
        )
        if done.returncode != 0:
            raise Refused(f"{program[0]} ended with status {done.returncode}: {done.stderr.strip()[-300:]}")
        if output:
            (folder / output).write_text(getattr(done, stream))
            files.append(output)

    run([*command, "--profile"], f"operators-{stem}.txt", "stderr")
    nsys = shutil.which("nsys") if options.on_gpu else None
    if nsys:
        trace = folder / f"trace-{stem}"
        how = ["--trace=cuda,nvtx", "--cuda-graph-trace=node", "--force-overwrite=true", f"--output={trace}"]
        run([nsys, "profile", *how, *command], None, None)
        report = [nsys, "stats", "--report=cuda_gpu_kern_sum", "--format=csv", "--force-export=true", "--filter-nvtx=block"]
        run([*report, f"{trace}.nsys-rep"], f"kernels-{stem}.csv", "stdout")
