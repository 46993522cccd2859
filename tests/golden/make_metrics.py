#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes metrics.json, the values of metrics that the tests compare with: scikit-learn's.

    pip install scikit-learn==1.9.1
    python tests/golden/make_metrics.py

`binary`  scores with ties, answers 0 and 1, weights, and what they give at the threshold 0.
`classes` scores (N, C) with their largest entry, labels, weights; of the classes one is never a label and one is never predicted,
          and the last is neither.
Each holds the results twice: `plain`, and `weighted` by the samples' weights. A second run writes the same bytes.
"""

import json
import pathlib
import warnings

import numpy as np
from sklearn import metrics

warnings.filterwarnings("error")
rng = np.random.default_rng(20261125)


def binary(n):
    truth = rng.integers(0, 2, n)
    scores = np.round(rng.normal(size=n) + 0.7 * truth, 1)  # rounded: ties within and between the answers
    weight = rng.integers(1, 9, n) / 4
    says = (scores > 0).astype(int)

    def results(**options):
        return {
            "accuracy": metrics.accuracy_score(truth, says, **options),
            "precision": metrics.precision_score(truth, says, zero_division=0, **options),
            "recall": metrics.recall_score(truth, says, zero_division=0, **options),
            "f1": metrics.f1_score(truth, says, zero_division=0, **options),
            "auroc": metrics.roc_auc_score(truth, scores, **options),
        }

    return {"scores": scores.tolist(), "truth": truth.tolist(), "weight": weight.tolist(), "plain": results(),
            "weighted": results(sample_weight=weight)}


def classes(n, c):
    labels = rng.choice([0, 1, 2, 4], n)
    scores = rng.normal(size=(n, c))
    scores[np.arange(n), labels] += 1
    scores[:, 2] -= 10  # never predicted
    scores[:, c - 1] -= 10  # nor this, and no label either
    weight = rng.integers(1, 9, n) / 4
    predicted = scores.argmax(axis=1)

    def results(**options):
        result = {"matrix": metrics.confusion_matrix(labels, predicted, labels=range(c), **options).tolist()}
        for name, function in [("precision", metrics.precision_score), ("recall", metrics.recall_score), ("f1", metrics.f1_score)]:
            result[name] = {average: function(labels, predicted, average=average, zero_division=0, **options)
                            for average in ["macro", "micro", "weighted"]}
            result[name]["by_class"] = function(labels, predicted, labels=range(c), average=None, zero_division=0, **options).tolist()
        return result

    return {"scores": scores.flatten().tolist(), "labels": labels.tolist(), "weight": weight.tolist(), "plain": results(),
            "weighted": results(sample_weight=weight)}


content = {"binary": binary(60), "classes": classes(50, 6)}
path = pathlib.Path(__file__).resolve().parent / "metrics.json"
path.write_text(json.dumps(content, sort_keys=True, indent=1) + "\n")
