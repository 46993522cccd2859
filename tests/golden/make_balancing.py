#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes balancing_weightings.safetensors: the weights that other programs give 100 Jacobians.

The Jacobians are made of an integer hash here and in tests/mtl/balancing/jacobians.hpp, so that they are not stored. TorchJD 0.18 in
float64 is the reference where it solves its problem to rounding. Where it does not, the published problem is solved here by another
algorithm than the library's, from the rows and not from the Gramian:

* MGDA: TorchJD's Frank-Wolfe steps end at 1e-3; here scipy's non-negative least squares.
* UPGrad, DualProj: TorchJD adds 1e-4 of the trace to the Gramian; here scipy's least squares again. With 1e-11 of the trace TorchJD
  gives the same, which is asserted.
* CAGrad: TorchJD solves for weights, with which tasks of little influence are off by 1e-4; here the direction is solved for.
* NashMTL and FairGrad: TorchJD's solvers end at 1e-3 and 1e-4; here Newton's method on the published function. Where a combination of
  rows is 0 there is no solution: NaN.
* IMTLG: TorchJD's G^+ d depends on the scales of tasks where gradients are dependent; there U^+ 1 in unit gradients.
* AlignedMTL: TorchJD takes rounding for a dimension where gradients are dependent; here the formula with singular values of the rows.
* GradVac: TorchJD adds 1e-8 to lengths, whatever their scale; here the formula. Two tasks alone, as with PCGrad: no order is drawn.
* Krum: TorchJD has distances that are not squared; here the formula for squared ones as well.

    pip install "torchjd[quadprog_projector,cagrad]==0.18.0" safetensors
    python tests/golden/make_balancing.py
"""
import pathlib
import warnings

import cvxpy as cp
import numpy as np
import torch
from safetensors.numpy import save_file
from scipy.optimize import nnls
from torchjd import aggregation as jd
from torchjd.linalg import QuadprogProjector

MASK = (1 << 64) - 1
SIZES = [2, 3, 11, 40]
EACH = 25


def hashed(stream: int, i: int) -> float:
    x = ((stream << 32) + i + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ x >> 30) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ x >> 27) * 0x94D049BB133111EB) & MASK
    return ((x ^ x >> 31) >> 11) * 2.0**-52 - 1


def jacobian(stream: int, tasks: int, columns: int, rank: int, scale: float) -> np.ndarray:
    rows = np.zeros((tasks, columns))
    for t in range(tasks):
        if t < rank:
            rows[t] = [scale * hashed(stream, t * columns + p) for p in range(columns)]
        else:
            rows[t] = hashed(stream, 1000000 + 2 * t) * rows[t % rank] + hashed(stream, 1000001 + 2 * t) * rows[(t + 1) % rank]
    return rows


def cases(tasks: int) -> list[tuple[np.ndarray, bool]]:
    """Jacobians of so many tasks, and whether their rows are independent."""
    first = 5000 + SIZES.index(tasks) * EACH
    return [(jacobian(first + k, tasks, tasks + 9, tasks if k % 2 == 0 else (tasks + 1) // 2, 10.0 ** (k * 5 % 21 - 10)), k % 2 == 0)
            for k in range(EACH)]


def losses(tasks: int) -> np.ndarray:
    return np.array([1 + 0.25 * (t % 4) for t in range(tasks)])


def torchjd(weighting):
    return lambda J: weighting(torch.from_numpy(J @ J.T)).numpy()


def units(J):
    return J / np.linalg.norm(J, axis=1, keepdims=True)


def min_norm(J):
    unit = np.linalg.norm(J, axis=1).min()
    z, _ = nnls(np.vstack([J.T / unit, np.ones(len(J))]), np.append(np.zeros(J.shape[1]), 1.0), maxiter=100000)
    return z / z.sum()


def stationary(J):
    """Whether 0 is in the convex hull of the rows."""
    return np.linalg.norm(min_norm(units(J)) @ units(J)) < 1e-7


def normalized_mgda(divisors):
    """Where rows are dependent, many weights may make the shortest average: NaN."""
    def weights(J):
        return min_norm(J / divisors(J)[:, None]) if np.linalg.matrix_rank(units(J), 1e-8) == len(J) else np.full(len(J), np.nan)
    return weights


def project(J, p):
    lengths = np.linalg.norm(J, axis=1)
    z, _ = nnls(units(J).T, -(p @ J) / lengths.max(), maxiter=100000)
    return p + z * lengths.max() / lengths


def upgrad(J):
    return sum(project(J, row / len(J)) for row in np.eye(len(J)))


def dual_proj(J):
    return project(J, np.full(len(J), 1 / len(J)))


def fair(J, alpha):
    """G x = x^(-1 / alpha)"""
    if stationary(J):
        return np.full(len(J), np.nan)
    scale = np.linalg.norm(J)
    J = J / scale
    G, x = J @ J.T, np.ones(len(J))
    value = lambda x: np.inf if (x <= 0).any() else x @ G @ x / 2 - np.sum(np.log(x) if alpha == 1 else x ** (1 - 1 / alpha) / (1 - 1 / alpha))
    for _ in range(500):
        gradient = G @ x - x ** (-1 / alpha)
        step = np.linalg.solve(G + np.diag(x ** (-1 / alpha - 1) / alpha), -gradient)
        t = 1.0
        while t > 1e-12 and not value(x + t * step) <= value(x) + 0.1 * t * (gradient @ step):
            t /= 2
        x = x + t * step if t > 1e-12 else x + step * np.all(np.abs(step) < 0.1 * x)
    assert np.abs(G @ x * x ** (1 / alpha) - 1).max() < 1e-7
    return x * scale ** (-2 * alpha / (alpha + 1))


def nash(J):
    w = fair(J, 1) * np.sqrt(np.linalg.norm(J @ J.T))
    return w / max(np.linalg.norm(w @ J), 1)


def cagrad(c):
    """The primal problem, max min_i g_i d within |d - g_0| <= c |g_0|, in an orthonormal basis of the rows.

    Where a combination of some rows is 0, many directions may have no gain and no loss: NaN."""
    def weights(J):
        U, sigma, _ = np.linalg.svd(J / np.linalg.norm(J), full_matrices=False)
        rows = (U * sigma)[:, sigma > 1e-8 * sigma[0]]
        mean = rows.mean(axis=0)
        d, least = cp.Variable(rows.shape[1]), cp.Variable()
        problem = cp.Problem(cp.Maximize(least), [rows @ d >= least, cp.norm(d - mean) <= c * np.linalg.norm(mean)])
        with warnings.catch_warnings():  # "may be inaccurate", as no solver reaches this
            warnings.simplefilter("ignore")
            problem.solve(cp.CLARABEL, tol_gap_abs=1e-14, tol_gap_rel=1e-14, tol_feas=1e-14)
        if stationary(J) and abs(least.value) < 1e-6 * np.linalg.norm(mean):
            return np.full(len(J), np.nan)
        return np.linalg.lstsq(rows.T, d.value, rcond=1e-10)[0]
    return weights


def aligned(scale):
    def weights(J):
        U, s, _ = np.linalg.svd(J, full_matrices=False)
        keep = s > 1e-8 * s[0]
        U, s = U[:, keep], s[keep]
        length = {"min": s[-1], "median": s[len(s) // 2], "rmse": np.sqrt(np.mean(s**2))}[scale]
        return length * U @ ((U.T @ np.full(len(J), 1 / len(J))) / s)
    return weights


def imtl_g(J):
    v = np.linalg.pinv(units(J) @ units(J).T, rcond=1e-10, hermitian=True) @ np.ones(len(J)) / np.linalg.norm(J, axis=1)
    return np.full(len(J), np.nan) if np.linalg.norm(v @ J) < 1e-9 else v / v.sum()


def config(J):
    if np.linalg.norm(np.linalg.pinv(units(J), 1e-8) @ np.ones(len(J))) < 1e-9:  # TorchJD stretches what rounding leaves
        return np.zeros(len(J))
    return np.linalg.lstsq(J.T, jd.ConFIG()(torch.from_numpy(J)).numpy(), rcond=1e-10)[0]


def krum(byzantine, selected):
    def weights(J):
        squares = ((J[:, None] - J[None]) ** 2).sum(axis=2)
        scores = np.sort(squares, axis=1)[:, 1:len(J) - byzantine - 1].sum(axis=1)
        w = np.zeros(len(J))
        w[np.argsort(scores, kind="stable")[:selected]] = 1 / selected
        return w
    return weights


class GradVac:
    def __init__(self, beta):
        self.beta, self.targets = beta, np.zeros((2, 2))

    def __call__(self, J):
        total = np.zeros(2)
        for i, j in (0, 1), (1, 0):
            c, g = np.eye(2)[i], J[i]
            norm_i, norm_j = np.linalg.norm(g), np.linalg.norm(J[j])
            cosine, target = np.clip(g @ J[j] / (norm_i * norm_j), -1, 1), self.targets[i, j]
            if cosine < target:
                c[j] = norm_i * (target * np.sqrt(1 - cosine**2) - cosine * np.sqrt(1 - target**2)) / (norm_j * np.sqrt(1 - target**2))
            self.targets[i, j] = (1 - self.beta) * target + self.beta * cosine
            total += c
        return total


class WhereIndependent:
    """`first` for independent rows, `second` for others; both have to agree on the former."""

    def __init__(self, first, second):
        self.first, self.second = first, second

    def __call__(self, J, independent):
        if not independent:
            return self.second(J)
        d, other = self.first(J) @ J, self.second(J) @ J
        np.testing.assert_allclose(d, other, rtol=0, atol=1e-6 * np.linalg.norm(other))
        return self.first(J)


def main():
    exact = QuadprogProjector(norm_eps=0, reg_eps=1e-11)
    length = lambda J: np.linalg.norm(J, axis=1)
    rules = {
        "MGDA": min_norm,
        "MGDA, l2": normalized_mgda(length),
        "MGDA, loss": normalized_mgda(lambda J: losses(len(J))),
        "MGDA, loss and l2": normalized_mgda(lambda J: losses(len(J)) * length(J)),
        "IMTLG": WhereIndependent(torchjd(jd.IMTLGWeighting()), imtl_g),
        "ConFIG": config,
        "CAGrad": cagrad(0.5),
        "CAGrad, c = 0.9": cagrad(0.9),
        "NashMTL": nash,
        "FairGrad": lambda J: fair(J, 1),
        "FairGrad, alpha = 2": lambda J: fair(J, 2),
        "AlignedMTL": WhereIndependent(torchjd(jd.AlignedMTLWeighting(scale_mode="min")), aligned("min")),
        "AlignedMTL, median": WhereIndependent(torchjd(jd.AlignedMTLWeighting(scale_mode="median")), aligned("median")),
        "AlignedMTL, rmse": WhereIndependent(torchjd(jd.AlignedMTLWeighting(scale_mode="rmse")), aligned("rmse")),
        "UPGrad": WhereIndependent(torchjd(jd.UPGradWeighting(projector=exact)), upgrad),
        "DualProj": WhereIndependent(torchjd(jd.DualProjWeighting(projector=exact)), dual_proj),
    }
    tensors = {}
    for tasks in SIZES:
        of_this_size = dict(rules)
        of_this_size["PCD"] = torchjd(jd.PCDWeighting())
        of_this_size["PCD, tau = 0.3"] = torchjd(jd.PCDWeighting(tau=0.3))
        if tasks == 2:
            of_this_size["PCGrad"] = torchjd(jd.PCGradWeighting())
            of_this_size["GradVac"] = GradVac(0.5)
        if tasks >= 5:
            of_this_size["Krum, 2 selected"] = krum(1, 2)
            of_this_size["Krum, 2 selected, not squared"] = torchjd(jd.KrumWeighting(n_byzantine=1, n_selected=2))
        for name, weights in of_this_size.items():
            tensors[f"{name}/{tasks}"] = np.stack([weights(J, independent) if isinstance(weights, WhereIndependent) else weights(J)
                                                   for J, independent in cases(tasks)])
    file = pathlib.Path(__file__).with_name("balancing_weightings.safetensors")
    save_file(tensors, file)
    file.chmod(0o644)


if __name__ == "__main__":
    main()
