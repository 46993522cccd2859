#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Do networks for many labels end where they end in PyTorch? The recipe of examples/multilabel.cpp, for the sum of all losses.

    multilabel --seeds 5 --json runs.json
    python3 multilabel.py --runs runs.json

Networks, epochs, batch size, learning rate and the rows that each seed holds out are those found there; first weights, dropout and order
of the rows are each side's own. Numbers are standardised here anew, and the measures are written from their definitions. The table must
have numbers alone beside its labels, and no empty cells. Prints Markdown, means and standard errors over the seeds; exit code 1 if a mean
of one measure is further from the other than --errors standard errors of their difference: of 24 differences over 5 seeds chance alone has
one above 7 in one case of 20. Needs PyTorch and numpy.
"""
import argparse
import csv
import gzip
import json
import math
import statistics
import sys

import numpy as np
import torch
from torch import nn

from figures import mean_and_error

UNITS, EXPERTS, OF_EXPERT, OF_SINGLE, OF_HEAD, DROPOUT = 128, 8, 32, 32, 16, 0.3
MEASURES = {
    "micro_f1": "micro F1",
    "macro_f1": "macro F1",
    "hamming_loss": "Hamming loss",
    "ranking_average_precision": "ranking AP",
    "exact_match": "exact match",
    "mean_average_precision": "mean AP",
}


def layer(inputs, outputs):
    return nn.Sequential(nn.Linear(inputs, outputs), nn.ReLU(), nn.Dropout(DROPOUT))


class Heads(nn.ModuleList):
    def __init__(self, inputs, labels):
        super().__init__(nn.Sequential(nn.Linear(inputs, OF_HEAD), nn.ReLU(), nn.Linear(OF_HEAD, 1)) for _ in range(labels))

    def forward(self, values):
        return torch.cat([head(value) for head, value in zip(self, values)], -1)


class Shared(nn.Module):
    def __init__(self, inputs, labels):
        super().__init__()
        self.trunk, self.heads = layer(inputs, UNITS), Heads(UNITS, labels)

    def forward(self, x):
        return self.heads([self.trunk(x)] * len(self.heads))


class Separate(nn.Module):
    def __init__(self, inputs, labels):
        super().__init__()
        self.networks, self.heads = nn.ModuleList(layer(inputs, OF_SINGLE) for _ in range(labels)), Heads(OF_SINGLE, labels)

    def forward(self, x):
        return self.heads([network(x) for network in self.networks])


class MMoE(nn.Module):
    def __init__(self, inputs, labels):
        super().__init__()
        self.experts = nn.ModuleList(layer(inputs, OF_EXPERT) for _ in range(EXPERTS))
        self.gates = nn.ModuleList(nn.Linear(inputs, EXPERTS, bias=False) for _ in range(labels))
        self.heads = Heads(OF_EXPERT, labels)

    def forward(self, x):
        found = torch.stack([expert(x) for expert in self.experts], 1)
        return self.heads([torch.einsum("ne,nec->nc", torch.softmax(gate(x), -1), found) for gate in self.gates])


NETS = {
    "one-head": lambda inputs, labels: nn.Sequential(layer(inputs, UNITS), nn.Linear(UNITS, labels)),
    "heads": Shared,
    "MMoE": MMoE,
    "single": Separate,
}


def f1(truth, said):
    divisor = truth.sum() + said.sum()
    return 2 * (truth & said).sum() / divisor if divisor else 0.0


def average_precision(truth, scores):
    """The mean over what holds of the precision among all that score no less."""
    return float(np.mean([truth[scores >= score].mean() for score in scores[truth]]))


def ranking_average_precision(truth, scores):
    if truth.all() or not truth.any():
        return 1.0
    return average_precision(truth, scores)


def measure(truth, scores):
    said, labels = scores > 0, range(truth.shape[1])
    return {
        "micro_f1": f1(truth, said),
        "macro_f1": statistics.fmean(f1(truth[:, k], said[:, k]) for k in labels),
        "hamming_loss": (truth != said).mean(),
        "ranking_average_precision": statistics.fmean(map(ranking_average_precision, truth, scores)),
        "exact_match": (truth == said).all(1).mean(),
        "mean_average_precision": statistics.fmean(average_precision(truth[:, k], scores[:, k]) for k in labels if truth[:, k].any()),
    }


def read(path, labels):
    """Numbers and labels of all rows."""
    with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    inputs = np.array([[float(value) for name, value in row.items() if name not in labels] for row in rows])
    return inputs, np.array([[int(row[name]) for name in labels] for row in rows])


def train(net_name, seed, inputs, answers, held_out, recipe):
    torch.manual_seed(seed)
    known = np.ones(len(inputs), bool)
    known[held_out] = False
    mean, deviation = inputs[known].mean(0), inputs[known].std(0)
    x = torch.tensor((inputs - mean) / np.where(deviation > 0, deviation, 1), dtype=torch.float32)
    y = torch.tensor(answers, dtype=torch.float32)
    train_x, train_y = x[known], y[known]
    net = NETS[net_name](x.shape[1], y.shape[1])
    adam = torch.optim.Adam(net.parameters(), lr=recipe["learning_rate"])
    steps = math.ceil(len(train_x) / recipe["batch"]) * recipe["epochs"]
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
    loss_of = nn.BCEWithLogitsLoss()
    for _ in range(recipe["epochs"]):
        for rows in torch.randperm(len(train_x)).split(recipe["batch"]):
            loss = loss_of(net(train_x[rows]), train_y[rows])
            if net_name != "one-head":
                loss = loss * y.shape[1]  # the sum over the tasks
            adam.zero_grad()
            loss.backward()
            adam.step()
            schedule.step()
    net.eval()
    with torch.no_grad():
        scores = net(x[held_out]).numpy()
    return measure(answers[held_out] == 1, scores), sum(parameter.numel() for parameter in net.parameters())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--runs", required=True, metavar="FILE", help="what the example writes with --json")
    parser.add_argument("--threads", type=int, default=0, help="0 for what PyTorch chooses")
    parser.add_argument("--errors", type=float, default=7, help="standard errors that means may be apart")
    args = parser.parse_args()
    if args.threads > 0:
        torch.set_num_threads(args.threads)
    with open(args.runs, encoding="utf-8") as file:
        recipe = json.load(file)
    if recipe["rule"] != "Sum":
        sys.exit(f"multilabel: expected runs of the rule Sum, got {recipe['rule']}")
    inputs, answers = read(recipe["data"], recipe["labels"])
    ours = {}
    for run in recipe["runs"]:
        if run["net"] in NETS:
            ours.setdefault(run["net"], []).append(run)
    print("| network | measure | Espalier | PyTorch | difference |\n|---|---|---:|---:|---:|")
    apart = 0.0
    for net_name, runs in ours.items():
        theirs = []
        for run in runs:
            scores, parameters = train(net_name, run["seed"], inputs, answers, recipe["held_out"][run["seed"] - 1], recipe)
            if parameters != run["parameters"]:
                sys.exit(f"multilabel: expected {run['parameters']} parameters of {net_name}, got {parameters}")
            theirs.append(scores)
        for key, title in MEASURES.items():
            (mean, error), (their_mean, their_error) = (mean_and_error([scores[key] for scores in side]) for side in (runs, theirs))
            _, of_difference = mean_and_error([a[key] - b[key] for a, b in zip(runs, theirs)])  # the rows held out are the same
            if of_difference > 0:
                apart = max(apart, abs(mean - their_mean) / of_difference)
            print(f"| {net_name} | {title} | {mean:.4f} ± {error:.4f} | {their_mean:.4f} ± {their_error:.4f} | "
                  f"{mean - their_mean:+.4f} ± {of_difference:.4f} |", flush=True)
    if apart > args.errors:
        sys.exit(f"multilabel: expected means within {args.errors:g} standard errors of their difference, got {apart:.1f}")


if __name__ == "__main__":
    main()
