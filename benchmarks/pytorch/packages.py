#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Does examples/packages.cpp learn what the same recipe learns in PyTorch?

    apt-cache dumpavail > available
    python3 packages.py --program build/release/examples/packages --input available --seeds 5

Features and answers, of packages to learn from and held-out ones, are those that the example exports; first weights, dropout and order
of the packages are each side's own. The measures are written from their definitions. Prints a Markdown table of means and standard
errors over the seeds; --json keeps every run, and what it holds already is not run again. Exit code 1 if means are further apart than
--points hundredths and than --errors standard errors of their difference. Needs PyTorch and numpy.
"""
import argparse
import json
import math
import os
import subprocess
import sys
import tempfile

import torch
import torch.nn.functional as F
from torch import nn

import tensors
from figures import mean_and_error

FEATURES, DROPOUT = 192, 0.2
CLASSES, LABELS, NUMBER = range(3)
MEASURES = {CLASSES: "accuracy", LABELS: "micro F1", NUMBER: "RMSE, decades"}


def outputs(task):
    return 1 if task["kind"] == NUMBER else len(task["labels"])


class Part:
    """Features end to end with where those of each package begin, and answers with whether they are known."""

    def __init__(self, stored, part, tasks):
        self.features = []
        for name in ("name", "words"):
            lengths = stored[f"{part}.{name}.lengths"]
            self.features.append((stored[f"{part}.{name}.elements"], lengths, lengths.cumsum(0) - lengths))
        self.answers = {task["name"]: (stored[f"{part}.{task['name']}"], stored[f"{part}.{task['name']}.known"].bool()) for task in tasks}

    def __len__(self):
        return len(self.features[0][1])

    def bags(self, rows):
        """Elements and offsets for nn.EmbeddingBag, of names and of words."""
        result = []
        for elements, lengths, starts in self.features:
            count = lengths[rows]
            offsets = count.cumsum(0) - count
            places = torch.arange(int(count.sum())) + torch.repeat_interleave(starts[rows] - offsets, count)
            result.append((elements[places], offsets))
        return result


class Net(nn.Module):
    def __init__(self, recipe):
        super().__init__()
        self.bags = nn.ModuleList(nn.EmbeddingBag(recipe["buckets"], recipe["width"], mode="mean") for _ in range(2))
        self.trunk = nn.Sequential(nn.Dropout(DROPOUT), nn.Linear(2 * recipe["width"], FEATURES), nn.ReLU(), nn.Dropout(DROPOUT))
        self.heads = nn.ModuleDict({task["name"]: nn.Linear(FEATURES, outputs(task)) for task in recipe["tasks"]})

    def forward(self, bags):
        x = self.trunk(torch.cat([layer(*bag) for layer, bag in zip(self.bags, bags)], 1))
        return {name: head(x) for name, head in self.heads.items()}


def loss_of(kind, said, answers):
    if kind == CLASSES:
        return F.cross_entropy(said, answers)
    return F.binary_cross_entropy_with_logits(said, answers) if kind == LABELS else F.mse_loss(said, answers)


def measure(task, said, answers):
    if task["kind"] == CLASSES:
        return (said.argmax(1) == answers).double().mean().item()
    if task["kind"] == NUMBER:
        return task["deviation"] * (said - answers).double().square().mean().sqrt().item()
    held, true = said > 0, answers > 0
    return 2 * (held & true).sum().item() / max(1, (held.sum() + true.sum()).item())


def train(recipe, known, test, figures):
    """What the net reaches on the held-out packages, and how many parameters it has."""
    torch.manual_seed(figures["seed"])
    net = Net(recipe)
    adam = torch.optim.Adam(net.parameters(), lr=figures["learning_rate"])
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, math.ceil(len(known) / figures["batch"]) * figures["epochs"])
    for _ in range(figures["epochs"]):
        for rows in torch.randperm(len(known)).split(figures["batch"]):
            said, losses = net(known.bags(rows)), []
            for task in recipe["tasks"]:
                answers, are_known = (values[rows] for values in known.answers[task["name"]])
                if are_known.any():
                    losses.append(loss_of(task["kind"], said[task["name"]][are_known], answers[are_known]))
            adam.zero_grad()
            sum(losses).backward()
            adam.step()
            schedule.step()
    net.eval()
    with torch.no_grad():
        said = net(test.bags(torch.arange(len(test))))
    found = {}
    for task in recipe["tasks"]:
        answers, are_known = test.answers[task["name"]]
        found[task["name"]] = measure(task, said[task["name"]][are_known], answers[are_known])
    return found, sum(parameter.numel() for parameter in net.parameters())


def example(args, seed, folder):
    path = os.path.join(folder, "figures.json")
    command = [args.program, "--input", args.input, "--epochs", args.epochs, "--seed", seed, "--threads", args.threads, "--out", folder,
               "--json", path]
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--program", required=True, metavar="FILE", help="the example, compiled")
    parser.add_argument("--input", required=True, metavar="FILE", help="what `apt-cache dumpavail` printed")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--points", type=float, default=1, help="hundredths that means may be apart")
    parser.add_argument("--errors", type=float, default=2, help="or standard errors of the difference")
    parser.add_argument("--json", metavar="FILE", help="keeps every run")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    runs = {}
    if args.json and os.path.exists(args.json):
        with open(args.json, encoding="utf-8") as file:
            runs = json.load(file)
    with tempfile.TemporaryDirectory() as folder:
        shared = os.path.join(folder, "data.safetensors")
        subprocess.run([args.program, "--input", args.input, "--export", shared], check=True)
        stored, recipe = tensors.read(shared), json.loads(tensors.metadata(shared)["packages"])
        known, test = (Part(stored, part, recipe["tasks"]) for part in ("train", "test"))
        for seed in map(str, range(1, args.seeds + 1)):
            run = runs.setdefault(seed, {})
            if "espalier" not in run:
                run["espalier"] = example(args, seed, folder)
            if "pytorch" not in run:
                run["pytorch"], parameters = train(recipe, known, test, run["espalier"])
                if parameters != run["espalier"]["parameters"]:
                    sys.exit(f"packages: expected {run['espalier']['parameters']} parameters, got {parameters}")
            print(seed, run["espalier"]["together"], run["pytorch"], file=sys.stderr, flush=True)
            if args.json:
                with open(args.json, "w", encoding="utf-8") as file:
                    json.dump(runs, file, indent=1)
    print("| task | measure | Espalier | PyTorch | difference |\n|---|---|---:|---:|---:|")
    apart = []
    chosen = [runs[str(seed)] for seed in range(1, args.seeds + 1)]
    for task in recipe["tasks"]:
        name = task["name"]
        ours, theirs = ([run[name] for run in side] for side in ([run["espalier"]["together"] for run in chosen],
                                                               [run["pytorch"] for run in chosen]))
        (mean, error), (their_mean, their_error) = mean_and_error(ours), mean_and_error(theirs)
        of_difference = math.hypot(error, their_error)
        print(f"| {name} | {MEASURES[task['kind']]} | {mean:.4f} ± {error:.4f} | {their_mean:.4f} ± {their_error:.4f} | "
              f"{mean - their_mean:+.4f} ± {of_difference:.4f} |")
        if abs(mean - their_mean) > max(args.points / 100, args.errors * of_difference):
            apart.append(name)
    if apart:
        sys.exit(f"packages: expected means within {args.points:g} hundredths or {args.errors:g} standard errors, got others of "
                 + ", ".join(apart))


if __name__ == "__main__":
    main()
