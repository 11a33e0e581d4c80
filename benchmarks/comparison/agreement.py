"""Whether a peer computes what PyTorch computes in float64."""

from comparison.peers import Refused, pytorch_command, started

# Allowed relative differences. One parameter's gradient norm may also be off by a fraction ("floor") of the norm of the whole
# gradient, as a nearly vanishing gradient has few correct digits.
TOLERANCE = {
    "fp32": {"loss": 3e-6, "output_norm": 5e-6, "gradient_norm": 1e-4, "each": 1e-3, "floor": 5e-6},
    "tf32": {"loss": 5e-4, "output_norm": 1.25e-3, "gradient_norm": 2.5e-3, "each": 1.25e-2, "floor": 1.25e-4},
    "bf16": {"loss": 2e-3, "output_norm": 5e-3, "gradient_norm": 1e-2, "each": 5e-2, "floor": 5e-4},
}
# ReLUs of what no normalization has scaled, down to 4x4 pixels: one input near 0 that rounds to the other side switches a visible
# part of the deepest layers' gradient on or off.
KINKED = {"simple-unet": {"fp32": {"gradient_norm": 1e-3, "each": 5e-3, "floor": 5e-5}}}


class Different(Refused):
    """A peer computes something else."""


def reference(options, network, batch):
    """The check of PyTorch in float64, by a process that has ended when this returns."""
    peer = started(options, "pytorch fp64", pytorch_command(options, (network, batch, "fp64"), "eager"))
    try:
        return peer.ask("check")
    finally:
        peer.close()


def require(peer, setting, expected):
    """Runs the peer's check and refuses what lies outside the tolerance; the check otherwise."""
    network, _, precision = setting
    tolerance = {**TOLERANCE[precision], **KINKED.get(network, {}).get(precision, {})}
    check = peer.ask("check")
    different, largest = differences(check, expected, tolerance)
    check["largest_difference_of_allowed"] = largest
    show(peer.name, check, f"  largest difference {largest:.3f} of what is allowed")
    if different:
        raise Different(f"{peer.name} does not compute the same, so there is nothing to compare: " + "; ".join(different[:6]))
    return check


def show(name, check, more=""):
    print(f"  {name:40s} loss {check['loss']:.7f}  gradient norm {check['gradient_norm']:.6f}{more}", flush=True)


def differences(check, expected, tolerance):
    """What of a check lies outside the tolerance, in words, and the largest difference as a fraction of what is allowed."""
    found = []
    largest = 0.0

    def compare(what, value, wanted, allowed):
        nonlocal largest
        largest = max(largest, abs(value - wanted) / allowed)
        if not abs(value - wanted) <= allowed:  # written so that NaN is a difference
            found.append(f"{what} is {value:.7g}, expected {wanted:.7g} within {allowed:.1g}")

    for what in ("loss", "output_norm", "gradient_norm"):
        compare(what, check[what], expected[what], tolerance[what] * abs(expected[what]))
    norms, wanted = check["gradient_norms"], expected["gradient_norms"]
    if set(norms) != set(wanted):
        found.append(f"other parameters: {sorted(set(norms) ^ set(wanted))[:4]}")
    for what in sorted(set(norms) & set(wanted)):
        allowed = tolerance["each"] * wanted[what] + tolerance["floor"] * expected["gradient_norm"]
        compare("gradient norm of " + what, norms[what], wanted[what], allowed)
    return found, largest
