#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes balancing_scalarizers.safetensors: what rules that need the losses alone make of 100 vectors of losses, in double.

    pip install torch==2.13.0 torchjd==0.18.0 numpy safetensors
    python tests/golden/make_scalarizers.py

For each rule, by the name of its class, `<rule>.value` (100,) and `<rule>.gradient`, the derivatives for all losses of all vectors
side by side. TorchJD's rules where it has them, the published formula by numpy for the others. A rule is made anew for each vector and
sees the steps of `HISTORY` first. All numbers come from `draw`, which the test has as well. A second run writes the same bytes.
"""

import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file
from torchjd import scalarization

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

VECTORS = 100
HISTORY = [[1, 3], [5, 7], [9]]  # draws that are the losses of steps before, by epochs; those after the update are one further on
LEARNED, WEIGHTS, REFERENCE = 20, 21, 22  # further draws


def tasks_of(vector):
    return 40 if vector % 10 == 9 else [2, 3, 5, 11][vector % 4]


def draw(kind, vector):
    """A number in [0.05, 4.05) for each task."""
    j = np.arange(tasks_of(vector), dtype=np.uint64)
    x = (np.uint64(kind * 0x9E3779B1 + vector * 0x85EBCA77) + j * np.uint64(0xC2B2AE3D)) & np.uint64(0xFFFFFFFF)
    x ^= x >> np.uint64(16)
    x = x * np.uint64(0x7FEB352D) & np.uint64(0xFFFFFFFF)
    x ^= x >> np.uint64(15)
    x = x * np.uint64(0x846CA68B) & np.uint64(0xFFFFFFFF)
    x ^= x >> np.uint64(16)
    return 0.05 + 4 * x.astype(np.float64) / 2**32


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


# Each of the published formulas gives the weights of the losses, and the value, from the losses of the step and of all steps before.


def history_of(vector):
    return [[draw(k, vector) for k in epoch] for epoch in HISTORY]


def weighted(weights, losses):
    return float(weights @ losses), weights


def uncertainty_classification(losses, vector):
    s = draw(LEARNED, vector) - 2
    return float(np.sum(np.exp(-s) * losses + s / 2)), np.exp(-s)


def uw_o(losses, vector):
    return weighted(1 / losses, losses)


def uw_so(losses, vector):
    return weighted(softmax(1 / losses), losses)


def scale_invariant(losses, vector):
    return float(np.log(losses).sum()), 1 / losses


def nadir_stch(losses, vector, mu=0.7):
    nadir = np.mean(history_of(vector)[1], axis=0)
    x = losses / nadir
    value = len(losses) * mu * np.log(np.sum(x ** (1 / mu)))
    return float(value), len(losses) * x ** (1 / mu) / np.sum(x ** (1 / mu)) / losses


def igb_v1(losses, vector):
    weights = len(losses) * softmax(losses / np.mean(history_of(vector)[1], axis=0))
    return float(weights @ np.log(losses)), weights / losses


def go4align(losses, vector, groups=2, eta=0.3):
    p = np.full(len(losses), 1 / len(losses))
    for step in [*sum(history_of(vector), []), losses]:
        p = p * np.exp(-eta * step)
        p /= p.sum()
    v = p * losses.sum() / losses
    order = np.argsort(v)
    parts = [(order[:cut], order[cut:]) for cut in range(1, len(v))]
    best = min(parts, key=lambda part: sum(np.sum((v[group] - v[group].mean()) ** 2) for group in part))
    weights = np.empty_like(v)
    for group in best:
        weights[group] = v[group].mean()
    return weighted(weights, losses)


def lbtw(losses, vector, alpha=0.5):
    return weighted((losses / history_of(vector)[2][0]) ** alpha, losses)


def cov(losses, vector):
    steps = np.array(sum(history_of(vector), []))
    ratios = np.array([steps[t] / steps[: max(t, 1)].mean(axis=0) for t in range(len(steps))])
    coefficients = np.sqrt(ratios.var(axis=0) + 1e-8) / ratios.mean(axis=0)
    return weighted(coefficients / coefficients.sum(), losses)


FORMULAS = {
    "UncertaintyWeighting, classification": uncertainty_classification,
    "OptimalUncertaintyWeighting": uw_o,
    "SoftOptimalUncertaintyWeighting": uw_so,
    "ScaleInvariant": scale_invariant,
    "NadirSTCH": nadir_stch,
    "IGBv1": igb_v1,
    "GO4Align": go4align,
    "LBTW": lbtw,
    "CoVWeighting": cov,
}


# TorchJD's rules, as they are after the history.


def with_parameter(rule, name, value):
    with torch.no_grad():
        getattr(rule, name).copy_(value)
    return rule


def dwa(vector):
    rule = scalarization.DWA()
    for epoch in history_of(vector)[:2]:
        for losses in epoch:
            rule(torch.tensor(losses))
        rule.step()
    return rule


def famo(vector):
    rule = scalarization.FAMO(tasks_of(vector))
    for epoch in HISTORY:
        for k in epoch:
            rule(torch.tensor(draw(k, vector)))
            rule.update(torch.tensor(draw(k + 1, vector)))
    return rule


def torchjd_rules(vector):
    count = tasks_of(vector)
    learned = torch.tensor(draw(LEARNED, vector) - 2)
    weights = torch.tensor(draw(WEIGHTS, vector))
    reference = torch.tensor(draw(REFERENCE, vector) - 2)
    return {
        "Sum": scalarization.Sum(),
        "Mean": scalarization.Mean(),
        "FixedWeights": scalarization.Constant(weights),
        "UncertaintyWeighting": with_parameter(scalarization.UW(count), "log_var", learned),
        "IMTLL": with_parameter(scalarization.IMTLL(count), "log_scale", learned),
        "DWA": dwa(vector),
        "GLS": scalarization.GeometricMean(),
        "STCH": scalarization.STCH(0.7, weights, reference),
        "FAMO": famo(vector),
        "PBI": scalarization.PBI(5.0, weights, reference),
        "COSMOS": scalarization.COSMOS(1.0, weights),
    }


def main():
    values, gradients = {}, {}

    def keep(rule, value, gradient):
        values.setdefault(rule, []).append(value)
        gradients.setdefault(rule, []).append(np.asarray(gradient))

    for vector in range(VECTORS):
        losses = draw(0, vector)
        for name, rule in torchjd_rules(vector).items():
            leaf = torch.tensor(losses, requires_grad=True)
            value = rule(leaf)
            (gradient,) = torch.autograd.grad(value, leaf)
            keep(name, value.item(), gradient.numpy())
        for name, formula in FORMULAS.items():
            keep(name, *formula(losses, vector))
    tensors = {}
    for name in values:
        tensors[f"{name}.value"] = np.array(values[name])
        tensors[f"{name}.gradient"] = np.concatenate(gradients[name])
    save_file(tensors, pathlib.Path(__file__).parent / "balancing_scalarizers.safetensors")


if __name__ == "__main__":
    main()
