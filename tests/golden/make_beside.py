#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the values that the tests of functions beside the training loop compare with: the published formulas in float64.

    pip install cvxpy==1.9.3 clarabel numpy safetensors
    python tests/golden/make_beside.py

balancing_beside.safetensors  For T = 1 and 3 tasks, and for 3 of which the second has no labels ("masked"), `<case>/<what>`;
                              `propagation<i>/similarities` and `/groups`; `descent<i>/rows`, `/rho` and `/direction`.

The model is linear: a trunk of 2 inputs and 2 features, and a head of 1 output for each task, with squared errors. Its numbers
are multiples of 1/8, by `numbers`, so that the tests make the very same ones.
"""

import pathlib

import cvxpy as cp
import numpy as np
from safetensors.numpy import save_file

FOLDER = pathlib.Path(__file__).resolve().parent
SAMPLES = 4
SHARED = 6  # weight (2, 2) and bias (2,) of the trunk; then a weight (1, 2) and a bias (1,) for each task


def numbers(count, seed):
    return np.array([((7 * k + 3 * seed) % 11 - 5) / 8 for k in range(count)])


class Model:
    def __init__(self, tasks, masked):
        self.tasks = tasks
        self.active = [t for t in range(tasks) if not (masked and t == 1)]
        self.size = SHARED + 3 * tasks
        self.theta = numbers(self.size, 1)

    def batch(self, seed):
        x = numbers(2 * SAMPLES, seed).reshape(SAMPLES, 2)
        return x, [numbers(SAMPLES, seed + 10 + t) for t in range(self.tasks)]

    def own(self, t):
        return slice(SHARED + 3 * t, SHARED + 3 * t + 3)

    def losses(self, theta, batch):
        """Losses of the active tasks, and their gradients as rows."""
        x, targets = batch
        weight, bias = theta[:4].reshape(2, 2), theta[4:6]
        features = x @ weight.T + bias
        losses, rows = [], []
        for t in self.active:
            head = theta[self.own(t)]
            error = features @ head[:2] + head[2] - targets[t]
            slope = 2 * error / SAMPLES
            row = np.zeros(self.size)
            row[:4] = (np.outer(slope, head[:2]).T @ x).ravel()
            row[4:6] = slope.sum() * head[:2]
            row[self.own(t)] = [*(slope @ features), slope.sum()]
            losses.append((error ** 2).mean())
            rows.append(row)
        return np.array(losses), np.array(rows)

    def parts(self, t):
        """What task t shares, and what is its own: alone, it shares nothing."""
        own = np.zeros(self.size, bool)
        own[self.own(t)] = True
        shared = np.zeros(self.size, bool)
        shared[:SHARED] = True
        return [shared, own] if len(self.active) > 1 else [shared | own]

    def combine(self, rows):
        """A rule that gives every gradient the length 1, on what is shared; a head gets its own gradient."""
        result = rows.sum(axis=0)
        if len(self.active) > 1:
            result[:SHARED] = sum(row[:SHARED] / np.linalg.norm(row[:SHARED]) for row in rows)
        return result


def ascent(model, theta, t, gradient, rho, adaptive):
    result = np.zeros(model.size)
    size = np.abs(theta) if adaptive else np.ones(model.size)
    for part in model.parts(t):
        length = np.linalg.norm((size * gradient)[part])
        result[part] = rho * (size ** 2 * gradient)[part] / length
    return result


def sharp_rows(model, batch, ascents):
    return np.array([model.losses(model.theta + step, batch)[1][row] for row, step in enumerate(ascents)])


def sam(model, rho, adaptive, together):
    batch = model.batch(2)
    _, level = model.losses(model.theta, batch)
    sharp = sharp_rows(model, batch, [ascent(model, model.theta, t, level[row], rho, adaptive) for row, t in enumerate(model.active)])
    return model.combine(sharp) if together else model.combine(level) + model.combine(sharp - level)


def philox(key, counter):
    low = lambda v: v & 0xFFFFFFFF
    keys = [low(key), key >> 32]
    c = list(counter)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ keys[0], low(b), (a >> 32) ^ c[3] ^ keys[1], low(a)]
        keys = [low(keys[0] + 0x9E3779B9), low(keys[1] + 0xBB67AE85)]
    return c


class Random:
    """The library's stream of normal numbers."""

    def __init__(self, seed):
        self.seed, self.position = seed, 0

    def next(self):
        block = philox(self.seed, [self.position, 0, 0, 0])
        self.position += 1
        return block[0] | block[1] << 32

    def uniform(self):
        return (self.next() >> 11) * 2.0 ** -53

    def permutation(self, n):
        order = list(range(n))
        for i in range(n - 1, 0, -1):
            j = self.next() % (i + 1)  # the few draws that would have to be rejected do not come up
            order[i], order[j] = order[j], order[i]
        return order

    def normal(self):
        radius = np.sqrt(-2 * np.log1p(-self.uniform()))
        return radius * np.cos(2 * np.pi * self.uniform())


def samo(model, rho, beta, epsilon):
    batch = model.batch(2)
    random = Random(5)
    common = model.losses(model.theta, batch)[1].mean(axis=0)
    ascents = []
    for row, t in enumerate(model.active):
        along = common.copy()
        noise = np.zeros(model.size)
        if len(model.active) > 1:
            noise[:SHARED] = [random.normal() for _ in range(SHARED)]
            above, below = (model.losses(model.theta + sign * epsilon * noise, batch)[0][row] for sign in (1, -1))
            estimate = (above - below) / (2 * epsilon) * noise
            for part in (slice(0, 4), slice(4, 6)):
                local = estimate[part] / np.linalg.norm(estimate[part]) * np.linalg.norm(common[part])
                along[part] = (1 - beta) * common[part] + beta * local
        ascents.append(ascent(model, model.theta, t, along, rho, False))
    return model.combine(sharp_rows(model, batch, ascents))


def cross(model):
    """The products of two batches, and the gradient of a third with the first row of them as weights."""
    first, second, third = (model.losses(model.theta, model.batch(seed))[1] for seed in (2, 3, 4))
    products = first[:, :SHARED] @ second[:, :SHARED].T
    weights = products[0]
    combined = third.sum(axis=0)
    combined[:SHARED] = weights @ third[:, :SHARED]
    return products, combined


def affinity(model, rate):
    batch = model.batch(2)
    before, rows = model.losses(model.theta, batch)
    result = np.zeros((model.tasks, model.tasks))
    for i, s in enumerate(model.active):
        moved = model.theta.copy()
        moved[:SHARED] -= rate * rows[i, :SHARED]
        result[s, model.active] = 1 - model.losses(moved, batch)[0] / before
    return result


def auto_lambda(model, rate, primary):
    """With weights of 0.1."""
    train, validation = model.batch(2), model.batch(3)
    ahead = model.theta - rate * 0.1 * model.losses(model.theta, train)[1].sum(axis=0)
    along = sum(row for t, row in zip(model.active, model.losses(ahead, validation)[1]) if t in primary)
    e = 0.01 / np.linalg.norm(along)
    result = np.zeros(model.tasks)
    above, below = (model.losses(model.theta + sign * e * along, train)[0] for sign in (1, -1))
    result[model.active] = -rate * (above - below) / (2 * e)
    return result


def moml(model, rate):
    """With the logits 0, 1/8, ...; the shortest point of a hull by trying all faces."""
    logits = np.arange(model.tasks) / 8
    weights = np.exp(logits) / np.exp(logits).sum()
    inner = np.zeros((model.tasks, model.size))
    inner[model.active] = model.losses(model.theta, model.batch(2))[1]
    outer = model.losses(model.theta - rate * weights @ inner, model.batch(3))[1]
    gains = -rate * outer @ inner.T @ (np.diag(weights) - np.outer(weights, weights))
    gains /= np.linalg.norm(gains, axis=1, keepdims=True)
    products = gains @ gains.T
    best = None  # over the faces of the simplex, in each of which the minimum solves linear equations
    for face in range(1, 2 ** len(gains)):
        chosen = [k for k in range(len(gains)) if face >> k & 1]
        solution = np.linalg.lstsq(products[np.ix_(chosen, chosen)], np.ones(len(chosen)), rcond=1e-10)[0]
        shares = np.zeros(len(gains))
        shares[chosen] = solution / solution.sum()
        value = shares @ products @ shares
        if (shares >= -1e-12).all() and (best is None or value < best[0] - 1e-14):
            best = value, shares
    return best[1] @ gains


def descent(tasks, constraint, rho):
    """FORUM's direction, from the program that it is defined by: the library solves the dual one."""
    d, largest = cp.Variable(tasks.shape[1]), cp.Variable()
    program = cp.Problem(cp.Minimize(largest + cp.sum_squares(d) / 2),
                         [tasks @ d <= largest, constraint @ d <= -rho * (constraint @ constraint)])
    program.solve(solver="CLARABEL", tol_gap_abs=1e-12, tol_gap_rel=1e-12, tol_feas=1e-12)
    return d.value


def forum(model, rate, steps, rho, normalize):
    """The gradients of parameters and logits, which are 0, 1/8, ... before."""
    logits = np.arange(model.tasks) / 8
    weights = np.exp(logits) / np.exp(logits).sum()
    inner = model.batch(2)
    losses, rows = model.losses(model.theta, inner)
    constraint = weights[model.active] @ rows
    ahead = model.theta.copy()
    for _ in range(steps):
        ahead -= rate * weights[model.active] @ model.losses(ahead, inner)[1]
    fallen = np.zeros(model.tasks)
    fallen[model.active] = losses - model.losses(ahead, inner)[0]
    constraint = np.concatenate([constraint, weights * (fallen - weights @ fallen)])
    tasks = model.losses(model.theta, model.batch(3))[1]
    if normalize:
        tasks /= np.linalg.norm(tasks, axis=1, keepdims=True)
    direction = descent(np.hstack([tasks, np.zeros((len(tasks), model.tasks))]), constraint, rho)
    return -direction[:model.size], -direction[model.size:]


def descents(rng):
    """Rows of which the last one is the constraint's, and rho."""
    for tasks in (1, 2, 3, 8, 40):
        for length in (0.1, 1, 10):
            rows = rng.standard_normal((tasks + 1, tasks + 4)) + 0.5
            rows[-1] *= length
            yield rows, 0.5
    rows = rng.standard_normal((5, 6))
    yield np.vstack([rows[:3], rows[:3], -rows[0]]), 0.3  # duplicates, and a constraint against one of them
    yield np.vstack([rows[:4], np.zeros(6)]), 0.3
    yield np.vstack([rows[:4], rows[:4].mean(axis=0)]), 0.3
    yield np.vstack([rows[:2], np.zeros(6), rows[4]]), 0.3
    yield np.vstack([rows[0], -rows[0], rows[4]]), 0.3
    yield np.vstack([rows @ np.outer(rows[0], rows[0]), rows[1]]), 2  # of rank 1


def rotograd(model):
    """The scaled gradient on the trunk in a first step, and, by differences, those on W of the rotations."""
    weights = [numbers(4, 20 + t).reshape(2, 2) for t in range(model.tasks)]
    x, targets = model.batch(2)
    features = x @ model.theta[:4].reshape(2, 2).T + model.theta[4:6]
    before, turned = {}, {}
    identity = np.eye(2)
    for t in model.active:
        inverse = np.linalg.inv(identity + (weights[t] - weights[t].T) / 2)
        rotation = inverse @ (identity - (weights[t] - weights[t].T) / 2)
        head = model.theta[model.own(t)]
        error = features @ rotation.T @ head[:2] + head[2] - targets[t]
        turned[t] = np.outer(2 * error / SAMPLES, head[:2])  # on the turned features
        before[t] = turned[t] @ rotation
    mean = np.mean(list(before.values()), axis=0)
    v = np.mean([g * np.linalg.norm(mean) / np.linalg.norm(g) for g in before.values()], axis=0)
    result = np.zeros((model.tasks, 4))
    for t in model.active:
        def objective(w):
            k = (w - w.T) / 2
            rotation = np.linalg.inv(identity + k) @ (identity - k)
            return ((v @ rotation.T - turned[t]) ** 2).sum(axis=1).mean()
        for i in range(4):
            step = np.zeros(4)
            step[i] = 1e-5
            step = step.reshape(2, 2)
            result[t, i] = (objective(weights[t] + step) - objective(weights[t] - step)) / 2e-5
    lengths = {t: np.linalg.norm(g) for t, g in before.items()}
    length = np.mean(list(lengths.values()))  # of the first step: all ratios are 1
    common = sum(g / lengths[t] * length for t, g in before.items()) if len(model.active) > 1 else sum(before.values())
    return np.concatenate([(common.T @ x).ravel(), common.sum(axis=0)]), result


def propagation(similarities):
    """Affinity propagation in the form of whole matrices; groups in the order of their first members."""
    n = len(similarities)
    noise = Random(1)
    similarities = np.array([[v + np.finfo(float).eps * v * noise.normal() for v in row] for row in similarities])
    r, a = np.zeros((n, n)), np.zeros((n, n))
    for _ in range(200):
        total = a + similarities
        best = total.argmax(axis=1)
        first = total[np.arange(n), best]
        total[np.arange(n), best] = -np.inf
        others = np.tile(first[:, None], n)
        others[np.arange(n), best] = total.max(axis=1)
        r = (r + similarities - others) / 2
        positive = np.maximum(r, 0)
        np.fill_diagonal(positive, np.diag(r))
        fresh = positive.sum(axis=0) - positive
        diagonal = np.diag(fresh).copy()
        fresh = np.minimum(fresh, 0)
        np.fill_diagonal(fresh, diagonal)
        a = (a + fresh) / 2
    exemplars = np.flatnonzero(np.diag(a + r) > 0)
    labels = similarities[:, exemplars].argmax(axis=1)
    labels[exemplars] = np.arange(len(exemplars))
    centres = []
    for k in range(len(exemplars)):
        members = np.flatnonzero(labels == k)
        centres.append(members[similarities[np.ix_(members, members)].sum(axis=0).argmax()])
    centres = np.sort(centres)
    labels = similarities[:, centres].argmax(axis=1)
    labels[centres] = np.arange(len(centres))
    return np.array([list(dict.fromkeys(labels)).index(label) for label in labels])


def stgu(model, steps, rate, decay, warm_up, preference):
    theta, random = model.theta.copy(), Random(0)
    affinities = np.zeros((model.tasks, model.tasks))
    labels = np.arange(model.tasks)
    for step in range(steps):
        batch = model.batch(2 + step)
        if step >= warm_up and (np.diag(affinities) > 0).all():
            x = affinities / np.diag(affinities)
            x = (x + x.T) / 2
            np.fill_diagonal(x, preference)
            labels = propagation(x)
        groups = [np.flatnonzero(labels == g) for g in range(labels.max() + 1)]
        for group in (groups[g] for g in random.permutation(len(groups))):
            before, rows = model.losses(theta, batch)
            theta -= rate * sum(row for t, row in zip(model.active, rows) if t in group)
            change = (1 - model.losses(theta, batch)[0] / before) / len(group)
            change = dict(zip(model.active, change))
            for s in group:
                for t in model.active:
                    if s not in change or (s == t and change[t] < 0):
                        continue
                    value = change[t]
                    if t in group and change[s] * change[t] < 0:
                        value = -max(change[s], change[t])
                    affinities[s, t] = (1 - decay) * affinities[s, t] + decay * value
    return theta, affinities, labels


def main():
    tensors = {}
    for name, tasks, masked in (("one", 1, False), ("three", 3, False), ("masked", 3, True)):
        model = Model(tasks, masked)
        several = len(model.active) > 1
        tensors[f"{name}/sam"] = sam(model, 0.1, False, False)
        tensors[f"{name}/sam_together"] = sam(model, 0.1, False, True)
        tensors[f"{name}/sam_adaptive"] = sam(model, 0.1, True, False)
        tensors[f"{name}/samo"] = samo(model, 0.1, 0.25, 0.01)
        tensors[f"{name}/rotograd"], tensors[f"{name}/rotograd_turns"] = rotograd(model)
        tensors[f"{name}/auto_lambda"] = auto_lambda(model, 0.1, range(tasks))
        tensors[f"{name}/auto_lambda_primary"] = auto_lambda(model, 0.1, (0,))
        tensors[f"{name}/forum"], tensors[f"{name}/forum_logits"] = forum(model, 0.1, 3, 0.5, False)
        tensors[f"{name}/forum_normalized"], tensors[f"{name}/forum_normalized_logits"] = forum(model, 0.1, 3, 0.5, True)
        if several:
            tensors[f"{name}/moml"] = moml(model, 0.1)
        if name == "three":
            result = stgu(model, 8, 0.05, 0.5, 3, 0.1)
            tensors["three/stgu_theta"], tensors["three/stgu_affinities"], tensors["three/stgu_groups"] = result
        if name == "masked":
            tensors["masked/stgu_theta"], tensors["masked/stgu_affinities"], _ = stgu(model, 2, 0.05, 0.5, 10, 0)
        if several:
            tensors[f"{name}/cross"], tensors[f"{name}/cross_combined"] = cross(model)
            tensors[f"{name}/affinity"] = affinity(model, 0.1)
    rng = np.random.default_rng(1)
    for number, size in enumerate((3, 5, 8, 12)):
        points = rng.standard_normal((size, 2))
        similarities = -((points[:, None] - points) ** 2).sum(axis=2)
        np.fill_diagonal(similarities, 1.01 * np.median(similarities))
        tensors[f"propagation{number}/similarities"], tensors[f"propagation{number}/groups"] = similarities, propagation(similarities)
    for number, (rows, rho) in enumerate(descents(np.random.default_rng(3))):
        tensors[f"descent{number}/rows"], tensors[f"descent{number}/rho"] = rows, np.array([rho])
        tensors[f"descent{number}/direction"] = descent(rows[:-1], rows[-1], rho)
    save_file({key: np.ascontiguousarray(value, dtype=np.float64) for key, value in tensors.items()},
              FOLDER / "balancing_beside.safetensors")


if __name__ == "__main__":
    main()
