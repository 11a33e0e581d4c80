#!/usr/bin/env python3
"""Golden values of the noise schedules and of one sampling step, in float64.

    python diffusion.py --out ../resources/golden         needs numpy, safetensors

T = 1000 steps, i = 0..T-1 (the papers' t is i + 1). abar[i] = product of (1 - beta[j]), j <= i; abar[-1] = 1.
    linear   beta from 1e-4 to 0.02                                     Ho et al. 2020, section 4
    cosine   f(s) = cos^2((s / T + 0.008) / 1.008 * pi / 2),
             beta[i] = min(1 - f(i + 1) / f(i), 0.999)                  Nichol & Dhariwal 2021, eq. 17

    x_t = sqrt(abar) x0 + sqrt(1 - abar) noise                          Ho et al. 2020, eq. 4
    v   = sqrt(abar) noise - sqrt(1 - abar) x0                          Salimans & Ho 2022, appendix D

A prediction is read as epsilon, as x0 or as v; with abar at i, eps and x0 are what it implies:
    epsilon  x0 = (x_t - sqrt(1 - abar) eps) / sqrt(abar)
    x0       eps = (x_t - sqrt(abar) x0) / sqrt(1 - abar)
    v        x0 = sqrt(abar) x_t - sqrt(1 - abar) v,  eps = sqrt(1 - abar) x_t + sqrt(abar) v
"clipped": x0 is clamped to [-1, 1] and eps is derived again from it, as for a prediction of x0.

ancestral, i -> i - 1  (Ho et al. 2020, eq. 6 and 7; no noise is added at i = 0)
    alpha = 1 - beta,  p = abar[i - 1]
    mean = sqrt(p) beta / (1 - abar) x0 + sqrt(alpha) (1 - p) / (1 - abar) x_t
    ancestral        mean + sqrt(beta (1 - p) / (1 - abar)) step_noise  the posterior's variance
    ancestral_beta   mean + sqrt(beta) step_noise                       the larger variance
DDIM, i -> prev  (Song et al. 2021, eq. 12 and 16; prev = -1 is the image itself)
    p = abar[prev],  sigma = eta sqrt((1 - p) / (1 - abar)) sqrt(1 - abar / p)
    sqrt(p) x0 + sqrt(1 - p - sigma^2) eps + sigma step_noise           ddim: eta 0; ddim_eta1: eta 1

Keys, all float64:
    i, prev                                  [6]      the steps
    x0, noise, step_noise, prediction        [6,16]   one row a step
    S.betas, S.alphas_cumprod                [1000]   S in linear, cosine
    S.x_t, S.v                               [6,16]   from x0 and noise
    S.P.x0, S.P.eps                          [6,16]   P in epsilon, x0, v: from x_t and prediction
    S.P.ancestral, S.P.ancestral_beta, S.P.ddim, S.P.ddim_eta1 and the same with _clipped behind   [6,16]
"""

import argparse
import pathlib

import numpy as np

T = 1000
STEPS = np.array([0, 1, 19, 250, 500, 999])
PREVIOUS = np.array([-1, 0, -1, 230, 480, 979])  # for DDIM; the ancestral step goes to i - 1
WIDTH = 16


def linear_betas():
    return np.linspace(1e-4, 0.02, T)


def cosine_betas():
    f = np.cos((np.arange(T + 1) / T + 0.008) / 1.008 * np.pi / 2) ** 2
    return np.minimum(1 - f[1:] / f[:-1], 0.999)


def implied(parameterization, x_t, prediction, abar, clip):
    """x0 and eps that the prediction implies."""
    signal, sigma = np.sqrt(abar), np.sqrt(1 - abar)
    if parameterization == "epsilon":
        x0, eps = (x_t - sigma * prediction) / signal, prediction
    elif parameterization == "x0":
        x0, eps = prediction, (x_t - signal * prediction) / sigma
    else:
        x0, eps = signal * x_t - sigma * prediction, sigma * x_t + signal * prediction
    if clip:
        x0 = np.clip(x0, -1, 1)
        eps = (x_t - signal * x0) / sigma
    return x0, eps


def ancestral(x_t, x0, beta, abar, before, step_noise, larger, last):
    mean = np.sqrt(before) * beta / (1 - abar) * x0 + np.sqrt(1 - beta) * (1 - before) / (1 - abar) * x_t
    variance = beta if larger else beta * (1 - before) / (1 - abar)
    return mean + np.where(last, 0, np.sqrt(variance)) * step_noise


def ddim(x0, eps, abar, before, step_noise, eta):
    sigma = eta * np.sqrt((1 - before) / (1 - abar)) * np.sqrt(1 - abar / before)
    return np.sqrt(before) * x0 + np.sqrt(1 - before - sigma**2) * eps + sigma * step_noise


def schedule_values(betas, x0, noise, step_noise, prediction):
    abars = np.cumprod(1 - betas)
    padded = np.append(abars, 1.0)  # so that index -1 is abar = 1
    beta, abar, before, previous = (
        a[:, None] for a in (betas[STEPS], abars[STEPS], padded[STEPS - 1], padded[PREVIOUS])
    )
    last = (STEPS == 0)[:, None]
    x_t = np.sqrt(abar) * x0 + np.sqrt(1 - abar) * noise
    v = np.sqrt(abar) * noise - np.sqrt(1 - abar) * x0
    values = {"betas": betas, "alphas_cumprod": abars, "x_t": x_t, "v": v}
    truth = {"epsilon": noise, "x0": x0, "v": v}
    for name in ("epsilon", "x0", "v"):
        # The truth must come back, and DDIM at eta 1 must be the ancestral step when it goes from i to i - 1.
        same = implied(name, x_t, truth[name], abar, clip=False)
        assert np.allclose(same[0], x0, atol=1e-9) and np.allclose(same[1], noise, atol=1e-9)
        for suffix, clip in (("", False), ("_clipped", True)):
            x0_hat, eps = implied(name, x_t, prediction, abar, clip)
            step = ancestral(x_t, x0_hat, beta, abar, before, step_noise, False, last)
            assert np.allclose(step, ddim(x0_hat, eps, abar, before, step_noise, 1.0), rtol=1e-9, atol=1e-9)
            if not clip:
                values[name + ".x0"], values[name + ".eps"] = x0_hat, eps
            values[f"{name}.ancestral{suffix}"] = step
            values[f"{name}.ancestral_beta{suffix}"] = ancestral(
                x_t, x0_hat, beta, abar, before, step_noise, True, last
            )
            values[f"{name}.ddim{suffix}"] = ddim(x0_hat, eps, abar, previous, step_noise, 0.0)
            values[f"{name}.ddim_eta1{suffix}"] = ddim(x0_hat, eps, abar, previous, step_noise, 1.0)
    return values


def main():
    from safetensors.numpy import save_file

    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--out", type=pathlib.Path, required=True, help="folder for diffusion.safetensors")
    out = arguments.parse_args().out
    out.mkdir(parents=True, exist_ok=True)

    random = np.random.default_rng(1)
    shape = (len(STEPS), WIDTH)
    x0 = random.uniform(-1, 1, shape)
    noise, step_noise, prediction = (random.standard_normal(shape) for _ in range(3))
    golden = {"i": STEPS.astype(np.float64), "prev": PREVIOUS.astype(np.float64)}
    golden.update(x0=x0, noise=noise, step_noise=step_noise, prediction=prediction)
    for name, betas in (("linear", linear_betas()), ("cosine", cosine_betas())):
        for key, value in schedule_values(betas, x0, noise, step_noise, prediction).items():
            golden[f"{name}.{key}"] = value
        print(name, "abar at", dict(zip(STEPS.tolist(), golden[name + ".alphas_cumprod"][STEPS].tolist())))
    assert all(np.isfinite(v).all() for v in golden.values())
    save_file({k: np.ascontiguousarray(v) for k, v in golden.items()}, out / "diffusion.safetensors")


if __name__ == "__main__":
    main()
