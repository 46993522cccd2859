#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes ranking.json: metrics of rankings, of several labels and of probabilities, scikit-learn's where it has them.

    pip install scikit-learn==1.9.1
    python tests/golden/make_ranking.py

`labels` scores (N, L) with ties, answers 0 and 1, weights; `plain` and `weighted` results. `lists` the same with relevances 0 to 3, and
metrics of ranked lists in plain numpy by their definitions where scikit-learn has none. A second run writes the same bytes.
"""

import json
import pathlib
import warnings

import numpy as np
from sklearn import metrics
from sklearn.calibration import calibration_curve

warnings.filterwarnings("error")
rng = np.random.default_rng(20261127)


def labels(n, l):
    truth = rng.integers(0, 2, (n, l))
    truth[0], truth[1] = 0, 1  # none and all
    scores = np.round(rng.normal(size=(n, l)) + 0.5 * truth, 1)
    weight = rng.integers(1, 9, n) / 4
    says = (scores > 0).astype(int)

    def results(w):
        with_w = {"sample_weight": w}
        r = {"hamming": metrics.hamming_loss(truth, says, **with_w), "exact": metrics.accuracy_score(truth, says, **with_w),
             "lrap": metrics.label_ranking_average_precision_score(truth, scores, **with_w),
             "ranking_loss": metrics.label_ranking_loss(truth, scores, **with_w),
             "coverage": metrics.coverage_error(truth, scores, **with_w)}
        for name, f in [("precision", metrics.precision_score), ("recall", metrics.recall_score), ("f1", metrics.f1_score)]:
            r[name] = {a: f(truth, says, average=a, zero_division=0, **with_w) for a in ["macro", "micro", "weighted"]}
            r[name]["by_label"] = f(truth, says, average=None, zero_division=0, **with_w).tolist()
        r["ap"] = {a: metrics.average_precision_score(truth, scores, average=a, **with_w) for a in ["macro", "micro", "weighted"]}
        r["ap"]["by_label"] = metrics.average_precision_score(truth, scores, average=None, **with_w).tolist()
        areas = [(metrics.roc_auc_score(t, s), len(t) * v) for t, s, v in zip(truth, scores, w) if 0 < t.sum() < len(t)]
        r["gauc"] = sum(a * v for a, v in areas) / sum(v for _, v in areas)
        return r

    return {"truth": truth.flatten().tolist(), "scores": scores.flatten().tolist(), "weight": weight.tolist(),
            "plain": results(np.ones(n)), "weighted": results(weight)}


def lists(n, l):
    relevance = rng.integers(0, 4, (n, l)) * (rng.uniform(size=(n, l)) < 0.4)
    relevance[0] = 0
    scores = np.round(rng.normal(size=(n, l)) + 0.3 * relevance, 1)
    weight = rng.integers(1, 9, n) / 4

    def of_list(s, y, k):
        rank = (s[None, :] >= s[:, None]).sum(1)
        hit, r = (y > 0) & (rank <= k), (y > 0).sum()
        precision = [((y > 0) & (rank <= rank[i])).sum() / rank[i] for i in np.flatnonzero(hit)]
        return [hit.sum() / r, hit.sum() / k, float(hit.any()), (1 / rank[hit].min() if hit.any() else 0), sum(precision) / min(k, r)]

    results = []
    for k in [1, 3, 5, l]:
        some = relevance.max(1) > 0
        rows = [of_list(s, y, k) for s, y in zip(scores[some], relevance[some])]
        means = np.average(rows, axis=0, weights=weight[some])
        gains = 2.0**relevance - 1
        results.append({"k": k, **dict(zip(["recall", "precision", "hit_rate", "mrr", "map"], means.tolist())),
                        "ndcg": metrics.ndcg_score(relevance, scores, k=k, sample_weight=weight),
                        "ndcg_exponential": metrics.ndcg_score(gains[some], scores[some], k=k, sample_weight=weight[some])})
    return {"relevance": relevance.flatten().tolist(), "scores": scores.flatten().tolist(), "weight": weight.tolist(), "results": results,
            "map_of_all": np.mean([metrics.average_precision_score(y > 0, s) for y, s in zip(relevance, scores) if y.any()])}


def probabilities(n, c):
    truth = rng.integers(0, 2, n)
    p = np.clip(rng.beta(2, 2, n) * 0.8 + 0.2 * truth, 0, 1)
    weight = rng.integers(1, 9, n) / 4
    result = {"truth": truth.tolist(), "p": p.tolist(), "weight": weight.tolist(), "log_loss": metrics.log_loss(truth, p),
              "weighted_log_loss": metrics.log_loss(truth, p, sample_weight=weight), "diagrams": []}
    for bins in [10, 15]:
        share, mean = calibration_curve(truth, p, n_bins=bins)
        counts = np.histogram(np.ceil(p * bins) - 1, np.arange(bins + 1) - 0.5)[0]
        result["diagrams"].append({"bins": bins, "accuracy": share.tolist(), "confidence": mean.tolist(),
                                   "error": float((np.abs(share - mean) * counts[counts > 0]).sum() / n)})
    logits = 2 * rng.normal(size=(n, c))
    labels = rng.integers(0, c, n)
    softmax = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    top, right = softmax.max(1), softmax.argmax(1) == labels
    errors = []
    for bins in [10, 15]:
        at = np.ceil(top * bins)
        errors.append(sum(abs(top[at == b].sum() - right[at == b].sum()) for b in np.unique(at)) / n)
    return result | {"logits": logits.flatten().tolist(), "labels": labels.tolist(), "errors": errors,
                     "class_log_loss": metrics.log_loss(labels, softmax, sample_weight=weight, labels=range(c))}


content = {"labels": labels(40, 6), "lists": lists(30, 8), "probabilities": probabilities(80, 4)}
path = pathlib.Path(__file__).resolve().parent / "ranking.json"
path.write_text(json.dumps(content, sort_keys=True) + "\n")
