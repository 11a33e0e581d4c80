"""The programs that are compared, as processes that obey the commands of PROTOCOL.md."""

import glob
import json
import os
import pathlib
import re
import select
import shlex
import shutil
import subprocess
import time
from typing import NamedTuple

BENCHMARKS = pathlib.Path(__file__).resolve().parents[1]
STEP_PEER = "dev.gatun.benchmarks.StepPeer"
# Those of the launcher, ./gatun.
JAVA_FLAGS = ["-XX:+UseSerialGC", "-Xmn8m", "-Xmx1g", "-Xlog:disable", "-Xlog:all=error:stderr"]
JAVA_FLAGS += ["--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"]

# PyTorch's.
PLAIN_MODES = ("eager", "channels_last", "compile", "compile_channels_last", "max_autotune", "max_autotune_channels_last")
MODES = (*PLAIN_MODES, *(f"{mode}_graph" for mode in PLAIN_MODES))
JAX = "jax"  # has one mode, which is called like the peer

# By default glibc returns every large tensor to the system when it is freed, and takes each page of the next one by a fault: on a
# virtual machine that can triple a step. The peers in Python keep freed memory.
KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40)}


class Refused(Exception):
    """The comparison cannot be made, or would not be fair."""


class Peer:
    """A process that obeys. `deadline` is a time of time.monotonic() after which it is waited for no more."""

    def __init__(self, name, command, cores, environment, timeout, deadline=float("inf")):
        self.name, self.command, self.timeout, self.deadline = name, command, timeout, deadline
        try:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=environment, preexec_fn=pinned(cores)
            )
        except OSError as e:
            raise Refused(f"{name} does not start: {e}") from e
        self.pending = b""
        try:
            self.identity = self.reply()
        except BaseException:  # nobody else knows of this process yet
            self.close()
            raise

    def reply(self):
        start = time.monotonic()
        end = min(start + self.timeout, self.deadline)
        while b"\n" not in self.pending:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                self.process.kill()
                limit = " before the time limit" if end == self.deadline else ""
                raise Refused(f"{self.name} gave no answer in {time.monotonic() - start:.0f} s{limit}")
            chunk = os.read(self.process.stdout.fileno(), 65536)
            if not chunk:
                raise Refused(f"{self.name} ended, status {self.process.wait()}: {shlex.join(self.command)}")
            self.pending += chunk
        line, _, self.pending = self.pending.partition(b"\n")
        try:
            message = json.loads(line)
        except ValueError as e:
            raise Refused(f"{self.name} wrote a line that is not JSON: {line[:200]!r}") from e
        if "error" in message:
            raise Refused(f"{self.name}: {message['error']}")
        return message

    def ask(self, command):
        try:
            self.process.stdin.write(command.encode() + b"\n")
        except OSError as e:
            raise Refused(f"{self.name} ended, status {self.process.wait()}") from e
        return self.reply()

    def ask_for(self, command, seconds):
        """Repeats a command, once at least, until it has gone on for that many seconds."""
        end = time.monotonic() + seconds
        self.ask(command)
        while time.monotonic() < end:
            self.ask(command)

    def close(self):
        if self.process.stdin.closed:
            return
        try:
            self.process.stdin.write(b"quit\n")
            self.process.stdin.close()
            self.process.wait(10)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def pinned(cores):
    """What a new process does to stay on the cores; None where they are not given, or the system cannot."""
    return (lambda: os.sched_setaffinity(0, cores)) if cores and hasattr(os, "sched_setaffinity") else None


def started(options, name, command, deadline=float("inf")):
    return Peer(name, command, options.cores, environment(options, name), options.timeout, deadline)


def environment(options, name):
    found = dict(os.environ)
    if options.on_gpu:
        found["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"  # nvidia-smi's
    if name != "gatun":
        return {**found, "OMP_NUM_THREADS": str(options.threads), **({} if options.on_gpu else KEEP_MEMORY)}
    home = pathlib.Path(shutil.which(options.python)).absolute().parents[1]
    if (home / "pyvenv.cfg").is_file():  # NVIDIA's libraries that PyTorch came with, where Gatun can use them
        found.setdefault("VIRTUAL_ENV", str(home))
    return found


DRIVEN = ["--protocol", "stdio"]
JAX_SCRIPT = str(BENCHMARKS / "jaxpeer" / "train_step.py")


def pytorch_command(options, setting, mode):
    script = str(BENCHMARKS / "pytorch" / "train_step.py")
    return [options.python, script, *arguments(options, *setting), *DRIVEN, "--mode", mode]


def peer_name(mode):
    """That of a mode's rows in the report."""
    return JAX if mode == JAX else f"pytorch {mode}"


def mode_command(options, setting, mode):
    """Refused where JAX was not found."""
    if mode != JAX:
        return pytorch_command(options, setting, mode)
    if options.jax.missing:
        raise Refused(options.jax.missing)
    return [options.python, JAX_SCRIPT, *arguments(options, *setting), *DRIVEN]


class Jax(NamedTuple):
    """Its version where the given Python has it, and why it cannot be compared, if so."""

    version: str
    missing: str = ""


def find_jax(options):
    """What its peer says of the devices of the wanted kind; asked before anything is timed."""
    if JAX not in options.modes:
        return Jax("not among --modes")
    command = [options.python, JAX_SCRIPT, "--devices", "--device", options.device]
    try:
        done = subprocess.run(
            command, env=environment(options, JAX), capture_output=True, text=True, timeout=options.timeout, check=False
        )
    except subprocess.TimeoutExpired:
        return Jax("does not start", f"gave no answer in {options.timeout} s")
    if done.returncode == 0:
        version, devices = json.loads(done.stdout).values()
        has = int(options.device.partition(":")[2] or 0) < devices
        return Jax(version) if has else Jax(f"{version}, without {options.device}", f"JAX {version} has no device {options.device}")
    why = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
    if re.search(r"No module named '(jax|jaxlib)\b", why):
        return Jax("not installed", f"not installed: {options.python} has no module jax")
    return Jax("does not start", f"does not start: {why}")


def gatun_command(options, setting):
    return [*options.java, *arguments(options, *setting), *DRIVEN]


def arguments(options, network, batch, precision):
    shared = ["--network", network, "--batch", str(batch), "--precision", precision, "--device", options.device]
    shared += ["--threads", str(options.threads), "--warmup", str(options.warmup)]
    return [*shared, "--steps-per-block", str(options.steps_per_block)]


def java_command(options):
    """The Java peer, without the protocol's arguments."""
    if options.java_command:
        return shlex.split(options.java_command)
    program = BENCHMARKS.parent / "bin" / "gatun-bench"  # in the self-contained distribution
    if program.is_file():
        return [str(program), "step"]
    app = BENCHMARKS / "target" / "app"
    jars = sorted(app.glob("*.jar"))
    if not jars:
        raise Refused(f"{app} holds no jar: build the benchmarks first (mvn -q -DskipTests package), or give --java-command")
    command = [find_java(), *JAVA_FLAGS, "-cp", os.pathsep.join(map(str, jars)), STEP_PEER]
    return [command[0], class_cache(command, jars, options), *command[1:]]


def class_cache(command, jars, options):
    """The option that gives the JVM its loaded and linked classes, as the launcher does; they are gathered where a jar is newer."""
    cache = BENCHMARKS / "target" / f"step-peer-{'cuda' if options.on_gpu else 'cpu'}.aot"
    if not cache.is_file() or cache.stat().st_mtime < max(jar.stat().st_mtime for jar in jars):
        step = ["--network", "mnist-unet", "--batch", "1", "--device", options.device, "--warmup", "1"]
        step += ["--blocks", "1", "--steps-per-block", "1"]
        gather = [command[0], f"-XX:AOTCacheOutput={cache}", *command[1:], *step]
        if cache.is_file():
            cache.unlink()
        # No harm where this fails.
        subprocess.run(
            gather,
            env=environment(options, "gatun"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
    return f"-XX:AOTCache={cache}" if cache.is_file() else "-Xshare:auto"


def find_java():
    """The first java of release 25 or later: JAVA_HOME, the usual folders, the PATH."""
    homes = [os.environ.get("JAVA_HOME", "")]
    for pattern in ("/usr/lib/jvm/*", "~/.sdkman/candidates/java/*", "~/.jdks/*", "/opt/*jdk*", "/opt/java/*"):
        homes += sorted(glob.glob(os.path.expanduser(pattern)))
    on_path = shutil.which("java")
    if on_path:
        homes.append(os.path.dirname(os.path.dirname(os.path.realpath(on_path))))
    for home in filter(None, homes):
        try:
            release = pathlib.Path(home, "release").read_text()
        except OSError:
            continue
        version = re.search(r'JAVA_VERSION="(\d+)', release)
        if version and int(version[1]) >= 25 and os.access(os.path.join(home, "bin", "java"), os.X_OK):
            return os.path.join(home, "bin", "java")
    raise Refused("no JDK 25 or later found in JAVA_HOME, the usual folders or the PATH; set JAVA_HOME or --java-command")
