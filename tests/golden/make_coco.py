#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes coco.json: small sets of objects and detections, and the twelve numbers that pycocotools gives for them.

    pip install pycocotools==2.0.11 numpy
    python tests/golden/make_coco.py

A set has `images`, their number; `truths` [image, x1, y1, x2, y2, class, crowd, ignore]; `found` [image, x1, y1, x2, y2, class, score]; and
`stats` in pycocotools' order. Scores are rounded, so that many are equal; coordinates are quarters, so that floats hold them. Sets lack
objects, detections, or both in some images. pycocotools takes only crowds for ignored: one line here lets it heed `ignore` as well.
"""

import contextlib
import io
import json
import pathlib

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

rng = np.random.default_rng(20261127)


class Evaluation(COCOeval):
    def _prepare(self):
        super()._prepare()
        for annotations in self._gts.values():
            for annotation in annotations:
                annotation["ignore"] = int(annotation["iscrowd"] or annotation["ignored"])


def quarter(x):
    return (np.round(np.asarray(x) * 4) / 4).tolist()


def box():
    width, height = np.exp(rng.uniform(np.log(6), np.log(200), 2)).clip(1)
    x, y = rng.uniform(0, 100, 2)
    return quarter([x, y, x + width, y + height])


def near(b):
    size = np.array([b[2] - b[0], b[3] - b[1]] * 2)
    moved = np.array(b) + size * rng.choice([0, 0.03, 0.1, 0.25]) * rng.standard_normal(4)
    moved[2:] = np.maximum(moved[2:], moved[:2] + 1)
    return quarter(moved)


def draw(number):
    images, classes = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    truths, found = [], []
    for image in range(images):
        for _ in range(rng.integers(0, 5)):
            truths.append([image, *box(), int(rng.integers(classes)), int(rng.uniform() < 0.15), int(rng.uniform() < 0.1)])
        many = number % 50 == 7 and image == 0
        for _ in range(130 if many else rng.integers(0, 7)):
            own = [t for t in truths if t[0] == image]
            score = int(rng.integers(1, 20)) / 20
            if own and rng.uniform() < 0.75:
                like = own[rng.integers(len(own))]
                found.append([image, *near(like[1:5]), like[5] if rng.uniform() < 0.9 else int(rng.integers(classes)), score])
            else:
                found.append([image, *box(), int(rng.integers(classes)), score])
        if many:
            for f in found:
                f[5] = 0
    if number == 0:
        truths = []
    if number == 1:
        found = []
    return {"images": images, "truths": truths, "found": found}


def xywh(b):
    return [b[0], b[1], b[2] - b[0], b[3] - b[1]]


def stats(s):
    gt = COCO()
    gt.dataset = {"images": [{"id": i} for i in range(s["images"])], "categories": [{"id": c} for c in range(3)],
                  "annotations": [{"id": k + 1, "image_id": t[0], "bbox": xywh(t[1:5]), "area": xywh(t[1:5])[2] * xywh(t[1:5])[3],
                                   "category_id": t[5], "iscrowd": t[6], "ignored": t[7]} for k, t in enumerate(s["truths"])]}
    gt.createIndex()
    if s["found"]:
        dt = gt.loadRes([{"image_id": f[0], "bbox": xywh(f[1:5]), "category_id": f[5], "score": f[6]} for f in s["found"]])
    else:
        dt = COCO()
        dt.dataset = dict(gt.dataset, annotations=[])
        dt.createIndex()
    evaluation = Evaluation(gt, dt, "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return evaluation.stats.tolist()


sets = []
for number in range(200):
    s = draw(number)
    with contextlib.redirect_stdout(io.StringIO()):
        s["stats"] = stats(s)
    sets.append(s)
path = pathlib.Path(__file__).resolve().parent / "coco.json"
path.write_text("[\n" + ",\n".join(json.dumps(s, sort_keys=True, separators=(",", ":")) for s in sets) + "\n]\n")
