#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Do ways of sharing end where they end in PyTorch? The recipe of examples/census.cpp, for the sum of the losses and all of its ways.

    census --seeds 5 --runs runs.csv
    census --export shared.safetensors
    python3 census.py --shared shared.safetensors --runs runs.csv

Tasks, ways, seeds, epochs, batch size and learning rate are those of the runs found there. Both sides learn from the same rows, choose the
epoch on the same validation rows and are tested on the same ones; first weights and order of the rows are each side's own. The
networks are written from their papers' formulas, the area under the ROC curve from its definition. Prints a Markdown table of means and
standard errors; exit code 1 if two means are further apart than --tolerance and than two standard errors of their difference. Needs
PyTorch, numpy and safetensors.
"""
import argparse
import csv
import math
import statistics
import sys

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

from figures import mean_and_error

UNITS, OF_EXPERT, OF_TOWER = 128, 16, 8
EXPERTS = UNITS // OF_EXPERT
SHARED = 2  # experts in CGC and PLE; the others are parted among the tasks


def layer(inputs, outputs):
    return nn.Sequential(nn.Linear(inputs, outputs), nn.ReLU())


def layers(count, inputs):
    return nn.ModuleList(layer(inputs, OF_EXPERT) for _ in range(count))


def gates(count, inputs, experts):
    return nn.ModuleList(nn.Linear(inputs, experts, bias=False) for _ in range(count))


def gated(gate, x, experts):
    """softmax(gate(x)) says how much of each expert's output a sample takes."""
    return torch.einsum("ne,nec->nc", torch.softmax(gate(x), -1), torch.stack(experts, 1))


class Separate(nn.Module):
    def __init__(self, inputs, tasks):
        super().__init__()
        self.networks = nn.ModuleList(layer(inputs, UNITS // tasks) for _ in range(tasks))

    def forward(self, x):
        return [network(x) for network in self.networks]


class CrossStitch(Separate):
    def __init__(self, inputs, tasks):
        super().__init__(inputs, tasks)
        unit = torch.full((tasks, tasks), 0.1 / max(tasks - 1, 1))
        self.unit = nn.Parameter(unit.fill_diagonal_(0.9 if tasks > 1 else 1))

    def forward(self, x):
        found = super().forward(x)
        return [sum(a * value for a, value in zip(row, found)) for row in self.unit]


class SharedBottom(nn.Module):
    def __init__(self, inputs, tasks):
        super().__init__()
        self.tasks, self.bottom = tasks, layer(inputs, UNITS)

    def forward(self, x):
        return [self.bottom(x)] * self.tasks


class MMoE(nn.Module):
    def __init__(self, inputs, tasks, one_gate=False):
        super().__init__()
        self.tasks, self.experts = tasks, layers(EXPERTS, inputs)
        self.gates = gates(1 if one_gate else tasks, inputs, EXPERTS)

    def forward(self, x):
        found = [expert(x) for expert in self.experts]
        values = [gated(gate, x, found) for gate in self.gates]
        return values if len(values) == self.tasks else values * self.tasks


class Level(nn.Module):
    def __init__(self, inputs, tasks, last):
        super().__init__()
        own = (EXPERTS - SHARED) // tasks
        self.own = nn.ModuleList(layers(own, inputs) for _ in range(tasks))
        self.shared = layers(SHARED, inputs)
        self.gates = gates(tasks, inputs, own + SHARED)
        self.shared_gate = None if last else nn.Linear(inputs, own * tasks + SHARED, bias=False)

    def forward(self, values, common):
        shared = [expert(common) for expert in self.shared]
        own = [[expert(value) for expert in experts] for experts, value in zip(self.own, values)]
        mixed = [gated(gate, value, found + shared) for gate, value, found in zip(self.gates, values, own)]
        return mixed, gated(self.shared_gate, common, sum(own, []) + shared) if self.shared_gate else None


class PLE(nn.Module):
    def __init__(self, inputs, tasks, depth=2):
        super().__init__()
        self.tasks = tasks
        self.levels = nn.ModuleList(Level(OF_EXPERT if k else inputs, tasks, k + 1 == depth) for k in range(depth))

    def forward(self, x):
        values, common = [x] * self.tasks, x
        for level in self.levels:
            values, common = level(values, common)
        return values


WAYS = {  # what stands below the towers, and how many features it finds for each
    "single-task": (Separate, lambda tasks: UNITS // tasks),
    "shared-bottom": (SharedBottom, lambda tasks: UNITS),
    "cross-stitch": (CrossStitch, lambda tasks: UNITS // tasks),
    "OMoE": (lambda inputs, tasks: MMoE(inputs, tasks, one_gate=True), lambda tasks: OF_EXPERT),
    "MMoE": (MMoE, lambda tasks: OF_EXPERT),
    "CGC": (lambda inputs, tasks: PLE(inputs, tasks, depth=1), lambda tasks: OF_EXPERT),
    "PLE": (PLE, lambda tasks: OF_EXPERT),
}


class Net(nn.Module):
    def __init__(self, way, inputs, outputs):
        super().__init__()
        sharing, found = WAYS[way]
        self.sharing = sharing(inputs, len(outputs))
        self.towers = nn.ModuleList(tower(found(len(outputs)), count) for count in outputs)

    def forward(self, x):
        return [tower(value) for tower, value in zip(self.towers, self.sharing(x))]


class Alone(nn.Module):
    """One of the nets of "single-task"."""

    def __init__(self, inputs, units, outputs):
        super().__init__()
        self.layers = nn.Sequential(layer(inputs, units), tower(units, outputs))

    def forward(self, x):
        return [self.layers(x)]


def tower(inputs, outputs):
    return nn.Sequential(layer(inputs, OF_TOWER), nn.Linear(OF_TOWER, outputs))


def area(truth, scores):
    """How often a yes has more than a no, half of the time where both have the same."""
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place.ravel()]
    yes = truth.ravel() > 0
    return (ranks[yes].mean() - (yes.sum() + 1) / 2) / (~yes).sum()


def measures(net, shared, part, tasks):
    """Areas under the ROC curve where the answer is yes or no, else the share of right classes."""
    with torch.no_grad():
        outputs = net(shared[f"{part}.inputs"])
    result = {}
    for task, output in zip(tasks, outputs):
        answers = shared[f"{part}.{task}"]
        if answers.is_floating_point():
            result[task] = area(answers.numpy(), output.numpy())
        else:
            result[task] = (output.argmax(-1) == answers).double().mean().item()
    return result


def fit(net, shared, tasks, recipe):
    """What is reached on the test rows after the epoch that is best on validation."""
    inputs, answers = shared["train.inputs"], [shared[f"train.{task}"] for task in tasks]
    losses = [nn.BCEWithLogitsLoss() if answer.is_floating_point() else nn.CrossEntropyLoss() for answer in answers]
    adam = torch.optim.Adam(net.parameters(), lr=float(recipe["learning_rate"]))
    best, best_mean = None, -1.0
    for _ in range(int(recipe["epochs"])):
        for rows in torch.randperm(len(inputs)).split(int(recipe["batch"])):
            loss = sum(loss_of(output, answer[rows]) for loss_of, output, answer in zip(losses, net(inputs[rows]), answers))
            adam.zero_grad()
            loss.backward()
            adam.step()
        mean = statistics.fmean(measures(net, shared, "validation", tasks).values())
        if mean > best_mean:
            best, best_mean = measures(net, shared, "test", tasks), mean
    return best, sum(parameter.numel() for parameter in net.parameters())


def train(way, seed, shared, outputs, recipe):
    """What is reached, and the number of parameters. Nets for one task each choose an epoch each."""
    torch.manual_seed(seed)
    inputs = shared["train.inputs"].shape[1]
    if way == "single-task":
        reached, parameters = {}, 0
        for task, count in outputs.items():
            of_task, more = fit(Alone(inputs, UNITS // len(outputs), count), shared, [task], recipe)
            reached |= of_task
            parameters += more
    else:
        reached, parameters = fit(Net(way, inputs, outputs.values()), shared, list(outputs), recipe)
    print(f"{way}, seed {seed}: " + ", ".join(f"{task} {value:.4f}" for task, value in reached.items()), file=sys.stderr)
    return reached, parameters


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--shared", required=True, metavar="FILE", help="what the example exports")
    parser.add_argument("--runs", required=True, metavar="FILE", help="the example's runs")
    parser.add_argument("--threads", type=int, default=0, help="0 for what PyTorch chooses")
    parser.add_argument("--tolerance", type=float, default=0.01, help="that the means may differ by")
    args = parser.parse_args()
    if args.threads > 0:
        torch.set_num_threads(args.threads)
    shared = load_file(args.shared)
    runs, tasks = {}, []
    with open(args.runs, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["rule"] != "Sum":
                sys.exit(f"census: expected runs of the rule Sum, got {row['rule']}")
            runs.setdefault(row["way"], {}).setdefault(row["seed"], {})[row["task"]] = row
            tasks += [row["task"]] if row["task"] not in tasks else []
    if not runs:
        sys.exit(f"census: expected runs in {args.runs}, got none")
    if any(f"train.{task}" not in shared for task in tasks):
        sys.exit(f"census: expected answers to {', '.join(tasks)} in {args.shared}, got {', '.join(shared)}")
    outputs = {}
    for task in tasks:
        parts = [shared[f"{part}.{task}"] for part in ("train", "validation", "test")]
        outputs[task] = 1 if parts[0].is_floating_point() else max(int(part.max()) for part in parts) + 1
    print("| way | task | Espalier | PyTorch | difference |\n|---|---|---:|---:|---:|")
    apart = False
    for way, seeds in runs.items():
        theirs = []
        for seed, ours in seeds.items():
            recipe = ours[tasks[0]]
            reached, parameters = train(way, int(seed), shared, outputs, recipe)
            if parameters != int(recipe["parameters"]):
                sys.exit(f"census: expected {recipe['parameters']} parameters of {way}, got {parameters}")
            theirs.append(reached)
        for task in tasks:
            mean, error = mean_and_error([float(ours[task]["test"]) for ours in seeds.values()])
            their_mean, their_error = mean_and_error([reached[task] for reached in theirs])
            of_difference = math.hypot(error, their_error)
            apart |= abs(mean - their_mean) > max(args.tolerance, 2 * of_difference)
            print(f"| {way} | {task} | {mean:.4f} ± {error:.4f} | {their_mean:.4f} ± {their_error:.4f} | "
                  f"{mean - their_mean:+.4f} ± {of_difference:.4f} |", flush=True)
    if apart:
        sys.exit(f"census: expected means within {args.tolerance:g} or two standard errors of their difference, got others")


if __name__ == "__main__":
    main()
