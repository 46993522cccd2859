# SPDX-License-Identifier: MIT
"""Makes balancing_aggregators.safetensors: what aggregators, and weightings with state, give for 100 Jacobians after three steps.

From TorchJD 0.18 in float64 where it has the rule, else from the published formula in numpy. Jacobians are not stored, but made again
by tests/mtl/balancing/golden_aggregators.cpp: `case` below. Usage: python make_aggregators.py (needs numpy, scipy, torch,
torchjd, safetensors).
"""

from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file
from scipy.optimize import linprog, nnls
from torchjd import aggregation

CASES, COLUMNS, STEPS = 100, 20, 3


def hashed(stream, i):
    """As `hashed` of tests/mtl/balancing/jacobians.hpp: numbers number i of a stream, in [-1, 1), by splitmix64."""
    x = np.uint64(stream << 32) + np.asarray(i, dtype=np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ x >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ x >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return ((x ^ x >> np.uint64(31)) >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1


def hashed_jacobian(stream, tasks, rank, scale):
    """As there: rows from `rank` on are the sum of two of the first ones."""
    jacobian = scale * hashed(stream, np.arange(tasks * COLUMNS)).reshape(tasks, COLUMNS)
    for t in range(rank, tasks):
        jacobian[t] = hashed(stream, [1000000 + 2 * t]) * jacobian[t % rank] + hashed(stream, [1000001 + 2 * t]) * jacobian[(t + 1) % rank]
    return jacobian


class Step:
    """Jacobian (T, P), positive losses, and which tasks take part: in the second of three steps, without task 1."""

    def __init__(self, case, step, masked):
        self.count = (2, 3, 11, 40)[case % 4]
        self.scale = 2.0 ** (case // 8 * 17 % 67 - 33)  # 1e-10 to 1e10
        salt = case * STEPS + step
        rank = (self.count + 1) // 2 if case // 4 % 2 else self.count
        self.tasks = np.array([t for t in range(self.count) if not (masked and step == 1 and self.count > 2 and t == 1)])
        self.jacobian = hashed_jacobian(2 * salt, self.count, rank, self.scale)[self.tasks]
        self.losses = (1.5 + hashed(2 * salt + 1, np.arange(self.count)))[self.tasks]
        self.k = step + 1
        self.gramian = self.jacobian @ self.jacobian.T
        other = self.scale * hashed(2 * salt + 1, np.arange(1000, 1000 + self.count * COLUMNS)).reshape(self.count, COLUMNS)[self.tasks]
        self.cross = self.jacobian @ (self.jacobian + 0.25 * other).T  # two batches of the same tasks


def norms(rows):
    return np.sqrt((rows * rows).sum(1))


def project_on_simplex(point):
    ordered = np.sort(point)[::-1]
    thresholds = (np.cumsum(ordered) - 1) / np.arange(1, len(point) + 1)
    return np.maximum(point - thresholds[np.nonzero(ordered > thresholds)[0][-1]], 0)


# Each is given the three steps and returns the last one's result.


def moco(steps, beta=0.5, gamma=0.1, rho=0.0, libmtl=False):
    y = np.zeros((steps[0].count, COLUMNS))
    weights = np.full(steps[0].count, 1 / steps[0].count)
    for s in steps:
        rows, share = y[s.tasks], weights[s.tasks].sum()
        lam = weights[s.tasks] / share if share > 0 else np.full(len(s.tasks), 1 / len(s.tasks))
        target = s.jacobian * (s.losses / norms(s.jacobian))[:, None] if libmtl else s.jacobian
        rows = rows - beta / s.k**0.5 * (rows - target)
        lam = lam - gamma / s.k**0.5 * (rows @ rows.T + rho * np.eye(len(lam))) @ lam
        lam = np.exp(lam - lam.max()) / np.exp(lam - lam.max()).sum() if libmtl else project_on_simplex(lam)
        y[s.tasks], weights[s.tasks] = rows, share * lam
    return rows.T @ lam


def db_mtl(steps, beta=0.9, sigma=0.5):
    m = np.zeros((steps[0].count, COLUMNS))
    for s in steps:
        g = s.jacobian / s.losses[:, None]
        m[s.tasks] = g + beta / s.k**sigma * (m[s.tasks] - g)
        lengths = norms(m[s.tasks])
    return m[s.tasks].T @ (lengths.max() / lengths)


def meta_balance(steps, main=0, relax=0.7, beta=0.9, blocks=((0, 7), (7, 1), (8, 12))):
    lengths, seen = np.zeros((len(blocks), steps[0].count)), np.zeros(steps[0].count)
    for s in steps:
        seen[s.tasks] += 1
        d = np.zeros(COLUMNS)
        for b, (first, size) in enumerate(blocks):
            g = s.jacobian[:, first:first + size]
            lengths[b, s.tasks] = beta * lengths[b, s.tasks] + (1 - beta) * norms(g)
            average = lengths[b] / (1 - beta**seen)
            d[first:first + size] = (relax * average[main] / average[s.tasks] + 1 - relax) @ g
    return d


def ada_task(steps, beta1=0.9, beta2=0.999, eps=1e-8):
    m, v, seen = np.zeros((steps[0].count, COLUMNS)), np.zeros((steps[0].count, COLUMNS)), np.zeros((steps[0].count, 1))
    for s in steps:
        t = s.tasks
        seen[t] += 1
        m[t] = beta1 * m[t] + (1 - beta1) * s.jacobian
        v[t] = beta2 * v[t] + (1 - beta2) * s.jacobian**2
        d = ((m[t] / (1 - beta1 ** seen[t])) / (np.sqrt(v[t] / (1 - beta2 ** seen[t])) + eps)).sum(0)
    return d


def sam_gs(steps, beta1=0.9, beta2=0.99, gamma=0.1, eps=1e-8, distinct=False):
    m, h, seen = np.zeros((steps[0].count, COLUMNS)), 0.0, np.zeros((steps[0].count, 1))
    for s in steps:
        g, t, n = s.jacobian, s.tasks, norms(s.jacobian)
        pairs = 2 * np.outer(n, n) / np.add.outer(n**2, n**2)
        similarity = pairs[np.triu_indices(len(n), 1)].mean() if distinct else pairs.mean()
        seen[t] += 1
        m[t] = beta1 * m[t] + (1 - beta1) * g
        h = beta2 * h + (1 - beta2) * (1 - similarity) ** 2 + eps
        if similarity < gamma:
            d = (n.mean() / n) @ g
        else:
            d = (np.abs(m[t] / (1 - beta1 ** seen[t])) / (np.sqrt(h / (1 - beta2**s.k)) + eps) * g).sum(0)
    return d


def torchjd(make, evidence=lambda s: s.jacobian):
    def run(steps):
        rule = make(steps[0].count)
        for s in steps:
            result = rule(torch.tensor(evidence(s)))
        return result.numpy()

    return run


def grad_drop(drawn):
    """With a leak of 1/4 for every second task; at each element the numbers drawn are all `drawn`."""

    def run(steps):
        leak = torch.tensor([0.25 * (t % 2) for t in range(steps[0].count)], dtype=torch.float64)
        rule, rand = aggregation.GradDrop(leak=leak), torch.rand
        torch.rand = lambda *args, **kwargs: torch.full(args[0], drawn, dtype=torch.float64)
        try:
            return rule(torch.tensor(steps[-1].jacobian)).numpy()
        finally:
            torch.rand = rand

    return run


def grad_norm(steps, alpha=1.5, rate=0.025, adam=True, softmax=False):
    count = steps[0].count
    w, first_losses = np.ones(count), np.zeros(count)
    m, v, seen = np.zeros(count), np.zeros(count), np.zeros(count)
    for s in steps:
        t, n = s.tasks, norms(s.jacobian)
        first_losses[t] = np.where(first_losses[t] == 0, s.losses, first_losses[t])
        now = len(t) * np.exp(w[t]) / np.exp(w[t]).sum() if softmax else w[t].copy()
        rates = s.losses / first_losses[t]
        target = (now * n).mean() * (rates / rates.mean()) ** alpha
        over = now * n - target
        slope = np.where(np.abs(over) <= 1e-12 * target, 0, np.sign(over) * n)
        if softmax:
            slope = (np.diag(now) - np.outer(now, now) / len(t)) @ slope
        if adam:
            seen[t] += 1
            m[t] = 0.9 * m[t] + 0.1 * slope
            v[t] = 0.999 * v[t] + 0.001 * slope**2
            length = np.sqrt(v[t] / (1 - 0.999 ** seen[t]))
            w[t] -= rate * np.divide(m[t] / (1 - 0.9 ** seen[t]), length, out=np.zeros(len(t)), where=length > 0)
        else:
            w[t] -= rate * slope
        if not softmax:
            w = np.maximum(w, 0)
            w = w * count / w.sum() if w.sum() > 0 else np.ones(count)
    return now


# Without state: of the step that leaves a task out.


def pe_ltr(steps):
    s = steps[1]
    lowest = np.array([0.4, 0.1, *[0.3 / steps[0].count] * (steps[0].count - 2)])[s.tasks]
    rest = 1 - lowest.sum()
    rows = (rest * s.jacobian + lowest @ s.jacobian) / s.scale
    # argmin |rows^T z|^2 + (1 - sum z)^2 over z >= 0 is a multiple of the wanted weights
    z = nnls(np.vstack([rows.T, np.ones(len(rows))]), np.array([0.0] * COLUMNS + [1.0]), maxiter=100000)[0]
    return (lowest + rest * z / z.sum()) @ s.jacobian


def epo(steps, tolerance=1e-4):
    s, t = steps[1], len(steps[1].tasks)
    r = 1 + steps[1].tasks % 3
    rl = r * s.losses
    part = rl / rl.sum()
    uneven = (part * np.log(t * part)).sum()
    c = s.gramian / np.trace(s.gramian)
    p = c @ (r * (np.log(t * part) - uneven))
    if uneven > tolerance:
        if (p > 0).any():
            least = np.where(p > 0, -np.inf, p)
            least[rl == rl.max()] = 0
        else:
            least = np.zeros(t)
        keep = np.isfinite(least)
        lp = linprog(-p, A_ub=-c[keep], b_ub=-least[keep], A_eq=np.ones((1, t)), b_eq=[1])
    else:
        lp = linprog(-c.sum(0), A_ub=np.vstack([-c, -p]), b_ub=[0.0] * t + [-min(p.max(), 0)], A_eq=np.ones((1, t)), b_eq=[1])
    return lp.x @ s.jacobian


def pmgda(steps, sigma=0.1):
    s, t = steps[1], len(steps[1].tasks)
    ray = (1 + s.tasks % 3) / np.sqrt(((1 + s.tasks % 3) ** 2).sum())
    off = s.losses - s.losses @ ray * ray
    slope = off / norms(off[None])[0]
    rows = np.vstack([s.jacobian, slope @ s.jacobian]) / s.scale
    units = rows / norms(rows)[:, None]
    products = rows @ units.T
    # max least over (m, least) with least <= g_i v, and h's own falling fast enough
    upper = np.vstack([np.hstack([-products[:t], np.ones((t, 1))]), np.append(-products[t], 0)])
    lp = linprog([0] * (t + 1) + [-1], A_ub=upper, b_ub=[0] * t + [-sigma * norms(rows)[t]], A_eq=[[1] * (t + 1) + [0]], b_eq=[1],
                 bounds=[(0, None)] * (t + 1) + [(None, None)])
    return lp.x[:t + 1] @ units


class Shares(aggregation.Weighting):
    """w_i = G_ii / trace, a weighting that needs no solver."""

    def forward(self, gramian):
        return gramian.diagonal() / gramian.trace()


# name: (the run, whether a step leaves a task out)
RULES = {
    "MoCo": (moco, True),
    "MoCo.libmtl": (lambda s: moco(s, libmtl=True, rho=0.1), True),
    "DBMTL": (db_mtl, True),
    "MetaBalance": (meta_balance, True),
    "AdaTask": (ada_task, True),
    "SAMGS": (sam_gs, True),
    "SAMGS.equalised": (lambda s: sam_gs(s, gamma=0.9, distinct=True), True),
    "ExcessMTL": (torchjd(lambda t: aggregation.ExcessMTL(0.01, n_warmup_steps=1)), False),
    "ExcessMTL.raw": (torchjd(lambda t: aggregation.ExcessMTL(1.0)), False),
    "TrimmedMean": (torchjd(lambda t: aggregation.TrimmedMean((t - 1) // 3)), False),
    "GradDrop.positive": (grad_drop(2.0**-53), False),
    "GradDrop.negative": (grad_drop(1 - 2.0**-53), False),
    "GradNorm": (grad_norm, True),
    "GradNorm.softmax": (lambda s: grad_norm(s, softmax=True, rate=0.5), True),
    "CRMOGM": (torchjd(lambda t: aggregation.CRMOGMWeighting(Shares(), alpha=0.8), lambda s: s.gramian), False),
    # Whose steps depend on the scale: by a constant in TorchJD, by their definition.
    "SDMGrad": (torchjd(lambda t: aggregation.SDMGradWeighting(), lambda s: s.cross / s.scale**2), False),
    "MoDo": (torchjd(lambda t: aggregation.MoDoWeighting(), lambda s: s.cross / s.scale**2), False),
    "PELTR": (pe_ltr, True),
    "EPO": (epo, True),
    "PMGDA": (pmgda, True),
}

tensors = {}
for name, (run, masked) in RULES.items():
    results = [run([Step(case, step, masked) for step in range(STEPS)]) for case in range(CASES)]
    assert all(np.isfinite(r).all() for r in results), name
    # Cases one behind the other: P numbers each, or one for each task.
    tensors[name] = np.concatenate(results).astype(np.float32)

path = Path(__file__).parent / "balancing_aggregators.safetensors"
save_file(tensors, path)
path.chmod(0o644)
print(path.stat().st_size, "bytes")
