#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes dense_metrics.json: metrics of dense prediction by their definitions, in plain numpy.

    pip install numpy
    python tests/golden/make_dense_metrics.py

Arrays are flat, and have the shapes beside them. A second run writes the same bytes.
"""

import json
import pathlib

import numpy as np

rng = np.random.default_rng(20261128)
N, H, W, C = 3, 9, 11, 5


def mean_iou():
    labels = rng.integers(0, C - 1, (N, H, W))  # the last class is never a label
    labels[rng.uniform(size=labels.shape) < 0.1] = 255
    scores = rng.normal(size=(N, H, W, C))
    scores[..., C - 1] -= 100  # nor predicted
    said, there = scores.argmax(-1), labels != 255
    ious = [((said == c) & (labels == c)).sum() / (((said == c) & there) | (labels == c)).sum() for c in range(C - 1)]
    return {"scores": scores, "labels": labels, "by_class": ious, "value": np.mean(ious)}


def boundary():
    said = rng.uniform(size=(N, H, W, 1)) < 0.08
    real = rng.uniform(size=(N, H, W, 1)) < 0.06
    counts = rng.uniform(size=(N, H, W, 1)) < 0.9

    def near(a, b, tolerance):
        """How many of a are near one of b, over all images."""
        total = 0
        for n in range(N):
            p, q = np.argwhere(a[n, ..., 0]), np.argwhere(b[n, ..., 0])
            if len(p) and len(q):
                total += (np.sqrt(((p[:, None] - q[None]) ** 2).sum(-1)).min(1) <= tolerance).sum()
        return total

    result = []
    for tolerance in (0, 1, 1.5, 3):
        a, b = said & counts, real & counts
        p, r = near(a, b, tolerance) / a.sum(), near(b, a, tolerance) / b.sum()
        result.append({"tolerance": tolerance, "precision": p, "recall": r, "value": 2 * p * r / (p + r) if p + r else 0})
    return {"said": np.where(said, 1.0, -1.0), "real": real.astype(float), "counts": counts.astype(int), "results": result}


def depth():
    real = rng.uniform(0.5, 5, (N, H, W, 1))
    said = real * np.exp(0.3 * rng.normal(size=real.shape))
    counts = rng.uniform(size=real.shape) < 0.7
    weight = rng.integers(1, 5, N) / 4
    w = (counts * weight[:, None, None, None])[counts]
    a, b = said[counts], real[counts]
    mean = lambda x: (w * x).sum() / w.sum()
    return {"said": said, "real": real, "counts": counts.astype(int), "weight": weight, "abs_rel": mean(np.abs(a - b) / b),
            "within": [mean(np.maximum(a / b, b / a) < 1.25**k) for k in (1, 2, 3)]}


def angle():
    said, real = rng.normal(size=(N, H, W, 3)), rng.normal(size=(N, H, W, 3))
    cosine = (said * real).sum(-1) / np.linalg.norm(said, axis=-1) / np.linalg.norm(real, axis=-1)
    return {"said": said, "real": real, "value": np.degrees(np.arccos(cosine)).mean()}


def panoptic():
    """Blocks of segments, some of which are shifted, of another class, or void. Classes 0 and 1 are stuff."""
    def paint(move):
        result = np.zeros((N, 24, 24, 2), int)
        for n in range(N):
            for k, (y, x, h, w, c) in enumerate(pieces[n]):
                y, x, c = y + move * rng.integers(-1, 2), x + move * rng.integers(-1, 2), c if rng.uniform() > 0.15 * move else 2
                result[n, max(y, 0) : y + h, max(x, 0) : x + w] = c, k + 1
        return result

    pieces = [[(*rng.integers(0, 20, 2), *rng.integers(4, 12, 2), int(rng.integers(1, 6))) for _ in range(12)] for _ in range(N)]
    real, said = paint(0), paint(1)
    real[:, :5, :7] = 9, 0  # void
    said[0, 20:, 20:] = 9, 0
    totals = {c: [0.0, 0, 0] for c in range(7)}
    for n in range(N):
        def segments(image):
            keys = {(int(c), 0 if c < 2 else int(i)) for c, i in image[n].reshape(-1, 2) if c != 9}
            return {k: (image[n, ..., 0] == k[0]) & ((image[n, ..., 1] == k[1]) | (k[0] < 2)) for k in keys}

        a, b, void = segments(said), segments(real), real[n, ..., 0] == 9
        used_a, used_b = set(), set()
        for p, mp in a.items():
            for t, mt in b.items():
                iou = (mp & mt).sum() / ((mp & ~void) | mt).sum()
                if p[0] == t[0] and iou > 0.5:
                    used_a.add(p), used_b.add(t)
                    totals[p[0]][0] += iou
                    totals[p[0]][1] += 1
        for t in set(b) - used_b:
            totals[t[0]][2] += 1
        for p in set(a) - used_a:
            totals[p[0]][2] += (a[p] & void).sum() / a[p].sum() <= 0.5

    def scores(classes):
        rows = [(iou / (tp + miss / 2), iou / tp if tp else 0, tp / (tp + miss / 2)) for c in classes for iou, tp, miss in [totals[c]] if tp + miss]
        return np.mean(rows, 0)

    return {"said": said, "real": real, "all": scores(range(7)), "things": scores(range(2, 7)), "stuff": scores(range(2))}


def plain(value):
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value.flatten().tolist() if isinstance(value, np.ndarray) else value.item() if isinstance(value, np.generic) else value


content = {"mean_iou": mean_iou(), "boundary": boundary(), "depth": depth(), "angle": angle(), "panoptic": panoptic()}
path = pathlib.Path(__file__).resolve().parent / "dense_metrics.json"
path.write_text(json.dumps(plain(content), sort_keys=True) + "\n")
