#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Do balancing rules end where they end in PyTorch with TorchJD? The recipe of examples/balance_rules.cpp, for three of its rules.

    balance_rules --rule Sum,UPGrad,Nash-MTL --output runs ...
    balance_rules --export shared.safetensors
    python3 balance_rules.py --shared shared.safetensors --runs runs/runs.csv

Seeds, learning rates and epochs are those of the runs found there; --pairs and --batch have to be told if they were. Both sides hold
back the same garments, choose epoch and learning rate on the same validation pairs and are tested on the same pairs; first weights
and training pairs are each side's own. Prints a Markdown table; exit code 1 if means are further apart than --tolerance. What is
done is kept beside the runs, in `pytorch.json`: started again, it goes on from there. Needs PyTorch, torchjd, quadprog and for
Nash-MTL cvxpy and ecos.
"""
import argparse
import csv
import json
import math
import os
import sys

import numpy
import torch
from multi_fashion import TASKS, evaluate, images, make_network, mean_and_spread, write_json
from tensors import read
from torch import nn
from torchjd.aggregation import NashMTL, UPGrad
from torchjd.autojac import jac_to_grad, mtl_backward

AGGREGATORS = {"Sum": lambda: None, "UPGrad": UPGrad, "Nash-MTL": lambda: NashMTL(n_tasks=2)}


class DrawnPairs:
    """Two garments of different classes on one canvas, drawn anew in every epoch."""

    side, garment_side, shifts = 36, 28, 5

    def __init__(self, shared):
        self.garments = shared["garments"].numpy()
        self.classes = shared["classes"].numpy()

    def batch(self, first, random):
        """Canvases (N, 1, side, side) in [0, 1] with the garments `first` at the upper left, and the classes of both sides."""
        second = random.integers(len(self.garments), size=len(first))
        while (same := self.classes[first] == self.classes[second]).any():
            second[same] = random.integers(len(self.garments), size=same.sum())
        room = self.side - self.garment_side
        canvases = numpy.zeros((len(first), self.side, self.side), numpy.uint8)
        places = random.integers(self.shifts, size=(len(first), 4))
        for canvas, a, b, (top, left, up, back) in zip(canvases, first, second, places):
            for garment, y, x in ((a, top, left), (b, room - up, room - back)):
                part = canvas[y:y + self.garment_side, x:x + self.garment_side]
                numpy.maximum(part, self.garments[garment], out=part)
        labels = {task: torch.from_numpy(self.classes[chosen]) for task, chosen in zip(TASKS, (first, second))}
        return torch.from_numpy(canvases).float().div(255).unsqueeze(1), labels


def step(net, aggregator, adam, x, labels):
    features = net.trunk(x)
    losses = [nn.functional.cross_entropy(net.heads[task](features), labels[task]) for task in TASKS]
    adam.zero_grad()
    if aggregator is None:
        sum(losses).backward()
    else:
        mtl_backward(losses, features=features)
        jac_to_grad(net.trunk.parameters(), aggregator)
    adam.step()


def train(args, shared, rule, seed, rate, epochs):
    """Accuracies at the epoch that is best on validation, as {task: {"validation": ..., "test": ...}}."""
    torch.manual_seed(seed)
    random = numpy.random.default_rng(seed)
    pairs = DrawnPairs(shared)
    held = {part: (images(shared[f"{part}.canvases"]), {task: shared[f"{part}.{task}"] for task in TASKS})
            for part in ("validation", "test")}
    net = make_network("lenet", pairs.side)
    adam = torch.optim.Adam(net.parameters(), lr=rate)
    aggregator = AGGREGATORS[rule]()
    best, best_mean = None, -1.0
    for epoch in range(epochs + 1):  # the first weights count as well
        order = random.permutation(args.pairs if epoch else 0) % len(pairs.garments)
        for first in range(0, len(order), args.batch):
            step(net, aggregator, adam, *pairs.batch(order[first:first + args.batch], random))
        scores = {part: evaluate(net, *held[part]) for part in held}
        mean = sum(scores["validation"][task]["accuracy"] for task in TASKS) / len(TASKS)
        if mean > best_mean:
            best_mean = mean
            best = {task: {part: scores[part][task]["accuracy"] for part in held} for task in TASKS}
    print(f"{rule}, seed {seed}, rate {rate:g}: " + ", ".join(f"{task} {100 * best[task]['validation']:.1f} %" for task in TASKS)
          + " on validation", file=sys.stderr)
    return best


def read_runs(path):
    """{rule: {learning rate: {seed: {task: {"validation": ..., "test": ...}}}}}, and the epochs of a run."""
    runs, epochs = {}, 0
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            epochs = max(epochs, int(row["epochs"]))
            if row["rule"] in AGGREGATORS and row["way"] == "hard" and row["scope"] == "whole":
                run = runs.setdefault(row["rule"], {}).setdefault(float(row["learning_rate"]), {}).setdefault(int(row["seed"]), {})
                run[row["task"]] = {part: float(row[part]) for part in ("validation", "test")}
    return runs, epochs


def best_rate(rates):
    def validation(rate):
        return sum(scores["validation"] for run in rates[rate].values() for scores in run.values())
    return max(rates, key=validation)


def table(ours, theirs):
    lines = ["| rule | task | Espalier | PyTorch and TorchJD | difference | standard error |", "|---|---|---|---|---|---|"]
    largest = 0.0
    for rule in ours:
        chosen = [rates[best_rate(rates)].values() for rates in (ours[rule], theirs[rule])]
        for task in TASKS:
            (mean, spread), (their_mean, their_spread) = (mean_and_spread([run[task]["test"] for run in runs]) for runs in chosen)
            error = math.sqrt((spread**2 + their_spread**2) / len(chosen[0]))
            largest = max(largest, abs(mean - their_mean))
            lines.append(f"| {rule} | {task} | {mean:.2f} ± {spread:.2f} % | {their_mean:.2f} ± {their_spread:.2f} % | "
                         f"{mean - their_mean:+.2f} | {error:.2f} |")
    return lines, largest


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--shared", required=True, metavar="FILE", help="what the example exports")
    parser.add_argument("--runs", required=True, metavar="FILE", help="the example's runs.csv")
    parser.add_argument("--pairs", type=int, default=20000, help="training pairs an epoch")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=0, help="0 for what PyTorch chooses")
    parser.add_argument("--tolerance", type=float, default=1.0, help="points of accuracy that the means may differ by")
    args = parser.parse_args()
    if args.threads > 0:
        torch.set_num_threads(args.threads)
    shared = read(args.shared)
    ours, epochs = read_runs(args.runs)
    if not ours:
        sys.exit(f"balance_rules: expected runs of {', '.join(AGGREGATORS)} in {args.runs}, got none")
    kept = os.path.join(os.path.dirname(os.path.abspath(args.runs)), "pytorch.json")
    done = {}
    if os.path.exists(kept):
        with open(kept, encoding="utf-8") as file:
            done = json.load(file)
    theirs = {}
    for rule, rates in ours.items():
        for rate, runs in rates.items():
            for seed in runs:
                key = f"{rule}, seed {seed}, rate {rate:g}, {epochs} epochs of {args.pairs} pairs, batch {args.batch}"
                if key not in done:
                    done[key] = train(args, shared, rule, seed, rate, epochs)
                    write_json(kept, done)
                theirs.setdefault(rule, {}).setdefault(rate, {})[seed] = done[key]
    lines, largest = table(ours, theirs)
    print("\n".join(lines))
    if largest > args.tolerance:
        sys.exit(f"balance_rules: expected means within {args.tolerance:g} points, got {largest:.2f}")


if __name__ == "__main__":
    main()
