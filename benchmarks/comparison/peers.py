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

BENCHMARKS = pathlib.Path(__file__).resolve().parents[1]
STEP_PEER = "dev.gatun.benchmarks.StepPeer"
SCRIPTS = BENCHMARKS.parent / "dist/src/main/scripts/bin"

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
    found.setdefault("MALLOC_ARENA_MAX", "1")  # as the launcher does
    home = pathlib.Path(shutil.which(options.python)).absolute().parents[1]
    if (home / "pyvenv.cfg").is_file():  # NVIDIA's libraries that PyTorch came with, where Gatun can use them
        found.setdefault("VIRTUAL_ENV", str(home))
    return found


DRIVEN = ["--protocol", "stdio"]
PYTORCH_SCRIPT = str(BENCHMARKS / "pytorch" / "train_step.py")
JAX_SCRIPT = str(BENCHMARKS / "jaxpeer" / "train_step.py")


def pytorch_command(options, setting, mode):
    return [options.python, PYTORCH_SCRIPT, *arguments(options, *setting), *DRIVEN, "--mode", mode]


def peer_name(mode):
    """That of a mode's rows in the report."""
    return JAX if mode == JAX else f"pytorch {mode}"


def mode_command(options, setting, mode):
    """Refused where JAX is not there."""
    if mode != JAX:
        return pytorch_command(options, setting, mode)
    _, missing = options.jax
    if missing:
        raise Refused(missing)
    return [options.python, JAX_SCRIPT, *arguments(options, *setting), *DRIVEN]


def version_of(script, python, device, timeout=300):
    """The version of what a peer in Python stands on; Refused, with the reason, where it or its device is not there."""
    command = [python, script, "--devices", "--device", device]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    except (OSError, subprocess.TimeoutExpired) as e:
        raise Refused(f"does not start: {e}") from e
    if done.returncode != 0:
        why = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        module = re.search(r"No module named '(\w+)", why)
        raise Refused(f"not installed: {python} has no module {module[1]}" if module else f"does not start: {why}")
    version, devices = json.loads(done.stdout).values()
    if int(device.partition(":")[2] or 0) >= devices:
        raise Refused(f"{version} of {python} has no device {device}")
    return version


def require_pytorch(python, device):
    try:
        version_of(PYTORCH_SCRIPT, python, device)
    except Refused as e:
        raise Refused(f"PyTorch: {e}; --python needs numpy and a torch for this device") from e


def find_jax(options):
    """What the report says of JAX, and why it does not take part, if so."""
    if JAX not in options.modes:
        return "not among --modes", "not among --modes"
    try:
        return version_of(JAX_SCRIPT, options.python, options.device), None
    except Refused as e:
        return str(e), str(e)


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
    command = [find_java(), *java_flags(), "-cp", os.pathsep.join(map(str, jars)), STEP_PEER]
    return [command[0], class_cache(command, jars, options), *command[1:]]


def java_flags():
    """Those of the launcher, ./gatun."""
    needs_vectors = subprocess.run([SCRIPTS / "needs-vectors"], check=False).returncode == 0
    files = ["jvm.options", *(["vector.options"] if needs_vectors else [])]
    return ["-XX:+UseSerialGC", "-Xmn8m", *(f"@{SCRIPTS / file}" for file in files)]


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
