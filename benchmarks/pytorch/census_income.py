#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Do ways of sharing end where they end in PyTorch? The recipe of examples/census_income.cpp, for all of its ways.

    census_income --data census-income.test.gz --runs runs.csv
    census_income --data census-income.test.gz --export shared.safetensors
    python3 census_income.py --shared shared.safetensors --runs runs.csv

Ways, seeds, epochs, batch size and learning rate are those of the runs found there. Both sides learn from the same rows, choose the
epoch on the same validation rows and are tested on the same ones; first weights and order of the rows are each side's own. The
networks are written from their papers' formulas, the AUC is scikit-learn's. Prints a Markdown table; exit code 1 if means are
further apart than --tolerance. Needs PyTorch, scikit-learn and safetensors.
"""
import argparse
import csv
import statistics
import sys

import torch
from safetensors.torch import load_file
from sklearn.metrics import roc_auc_score
from torch import nn

TASKS = ("income", "never married")
UNITS, OF_EXPERT, OF_TOWER = 128, 16, 8
EXPERTS = UNITS // OF_EXPERT
OWN = 3  # experts of each task in CGC and PLE; what is left is shared


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
    def __init__(self, inputs):
        super().__init__()
        self.networks = nn.ModuleList(layer(inputs, UNITS // 2) for _ in TASKS)

    def forward(self, x):
        return [network(x) for network in self.networks]


class CrossStitch(Separate):
    def __init__(self, inputs):
        super().__init__(inputs)
        self.unit = nn.Parameter(torch.tensor([[0.9, 0.1], [0.1, 0.9]]))

    def forward(self, x):
        found = super().forward(x)
        return [sum(a * value for a, value in zip(row, found)) for row in self.unit]


class SharedBottom(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.bottom = layer(inputs, UNITS)

    def forward(self, x):
        return [self.bottom(x)] * len(TASKS)


class MMoE(nn.Module):
    def __init__(self, inputs, gate_count=len(TASKS)):
        super().__init__()
        self.experts = layers(EXPERTS, inputs)
        self.gates = gates(gate_count, inputs, EXPERTS)

    def forward(self, x):
        found = [expert(x) for expert in self.experts]
        values = [gated(gate, x, found) for gate in self.gates]
        return values if len(values) > 1 else values * len(TASKS)


class Level(nn.Module):
    def __init__(self, inputs, last):
        super().__init__()
        shared = EXPERTS - OWN * len(TASKS)
        self.own = nn.ModuleList(layers(OWN, inputs) for _ in TASKS)
        self.shared = layers(shared, inputs)
        self.gates = gates(len(TASKS), inputs, OWN + shared)
        self.shared_gate = None if last else nn.Linear(inputs, EXPERTS, bias=False)

    def forward(self, values, common):
        shared = [expert(common) for expert in self.shared]
        own = [[expert(value) for expert in experts] for experts, value in zip(self.own, values)]
        mixed = [gated(gate, value, found + shared) for gate, value, found in zip(self.gates, values, own)]
        return mixed, gated(self.shared_gate, common, sum(own, []) + shared) if self.shared_gate else None


class PLE(nn.Module):
    def __init__(self, inputs, depth=2):
        super().__init__()
        self.levels = nn.ModuleList(Level(OF_EXPERT if k else inputs, k + 1 == depth) for k in range(depth))

    def forward(self, x):
        values, common = [x] * len(TASKS), x
        for level in self.levels:
            values, common = level(values, common)
        return values


WAYS = {  # what stands below the towers, and how many features it finds for each
    "single-task": (Separate, UNITS // 2),
    "shared-bottom": (SharedBottom, UNITS),
    "cross-stitch": (CrossStitch, UNITS // 2),
    "OMoE": (lambda inputs: MMoE(inputs, 1), OF_EXPERT),
    "MMoE": (MMoE, OF_EXPERT),
    "CGC": (lambda inputs: PLE(inputs, 1), OF_EXPERT),
    "PLE": (PLE, OF_EXPERT),
}


class Net(nn.Module):
    def __init__(self, way, inputs):
        super().__init__()
        sharing, found = WAYS[way]
        self.sharing = sharing(inputs)
        self.towers = nn.ModuleList(nn.Sequential(layer(found, OF_TOWER), nn.Linear(OF_TOWER, 1)) for _ in TASKS)

    def forward(self, x):
        return [tower(value) for tower, value in zip(self.towers, self.sharing(x))]


def areas(net, shared, part):
    with torch.no_grad():
        outputs = net(shared[f"{part}.inputs"])
    return {task: roc_auc_score(shared[f"{part}.{task}"].numpy(), output.numpy()) for task, output in zip(TASKS, outputs)}


def train(way, seed, shared, recipe):
    """The areas on the test rows after the epoch that is best on validation, and the number of parameters."""
    torch.manual_seed(seed)
    inputs, answers = shared["train.inputs"], [shared[f"train.{task}"] for task in TASKS]
    net = Net(way, inputs.shape[1])
    adam = torch.optim.Adam(net.parameters(), lr=float(recipe["learning_rate"]))
    loss_of = nn.BCEWithLogitsLoss()
    best, best_mean = None, -1.0
    for _ in range(int(recipe["epochs"])):
        for rows in torch.randperm(len(inputs)).split(int(recipe["batch"])):
            loss = sum(loss_of(output, answer[rows]) for output, answer in zip(net(inputs[rows]), answers))
            adam.zero_grad()
            loss.backward()
            adam.step()
        mean = statistics.fmean(areas(net, shared, "validation").values())
        if mean > best_mean:
            best, best_mean = areas(net, shared, "test"), mean
    print(f"{way}, seed {seed}: " + ", ".join(f"{task} {area:.4f}" for task, area in best.items()), file=sys.stderr)
    return best, sum(parameter.numel() for parameter in net.parameters())


def mean_and_spread(values):
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else 0.0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--shared", required=True, metavar="FILE", help="what the example exports")
    parser.add_argument("--runs", required=True, metavar="FILE", help="the example's runs")
    parser.add_argument("--threads", type=int, default=0, help="0 for what PyTorch chooses")
    parser.add_argument("--tolerance", type=float, default=0.005, help="of areas, that the means may differ by")
    args = parser.parse_args()
    if args.threads > 0:
        torch.set_num_threads(args.threads)
    shared = load_file(args.shared)
    runs = {}
    with open(args.runs, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            runs.setdefault(row["way"], {}).setdefault(row["seed"], {})[row["task"]] = row
    if not runs:
        sys.exit(f"census_income: expected runs in {args.runs}, got none")
    print("| way | task | Espalier | PyTorch | difference |\n|---|---|---|---|---|")
    largest = 0.0
    for way, seeds in runs.items():
        theirs = []
        for seed, ours in seeds.items():
            recipe = ours[TASKS[0]]
            areas_there, parameters = train(way, int(seed), shared, recipe)
            if parameters != int(recipe["parameters"]):
                sys.exit(f"census_income: expected {recipe['parameters']} parameters of {way}, got {parameters}")
            theirs.append(areas_there)
        for task in TASKS:
            mean, spread = mean_and_spread([float(ours[task]["test"]) for ours in seeds.values()])
            their_mean, their_spread = mean_and_spread([areas_there[task] for areas_there in theirs])
            largest = max(largest, abs(mean - their_mean))
            print(f"| {way} | {task} | {mean:.4f} ± {spread:.4f} | {their_mean:.4f} ± {their_spread:.4f} | {mean - their_mean:+.4f} |",
                  flush=True)
    if largest > args.tolerance:
        sys.exit(f"census_income: expected means within {args.tolerance:g}, got {largest:.4f}")


if __name__ == "__main__":
    main()
