"""The MNIST U-Net of the benchmarks: the one of the golden files, so that there is a single PyTorch version of it."""

import importlib.util
import pathlib
import sys

_SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "ddpm/src/test/golden/mnist_unet.py"
sys.path.append(str(_SCRIPT.parent))  # for the script's own imports
_spec = importlib.util.spec_from_file_location("golden_mnist_unet", _SCRIPT)
_golden = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_golden)

Unet = _golden.Unet
formula_unet = _golden.formula_unet
formula_batch = _golden.formula_batch
