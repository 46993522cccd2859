#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Do nets of clicks and purchases learn in PyTorch what those of examples/clicks.cpp learn from the same log?

    python3 clicks.py --program build/release/examples/clicks --seeds 5

Of each seed's shop both sides have the same log; first weights and order of the impressions are each side's own. Nets and losses are
written from the formulas of their papers, measures from their definitions. What would have been bought of what was not clicked is known of
a simulated shop, and the areas count it. Prints a Markdown table of means over the seeds, and of their differences with standard errors;
--json keeps every run, and what it holds already is not run again. Exit code 1 if the means of an area are further apart than --points
hundredths, or those of a rate of purchases than twice as much, and than --errors standard errors of their difference. Needs PyTorch and
numpy.
"""
import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import tensors
from figures import mean_and_error

SIZE, OF_ATTRIBUTE, LONGEST, FEATURES, OF_TOWER, RANK = 16, 4, 10, 64, 32, 16
SMALLEST_PROPENSITY = 0.05
FIGURES = {"all": "rate, all", "clicked": "clicked", "others": "others", "error": "error", "click_area": "click", "purchase_area": "purchase",
           "both_area": "both"}
NETS = ("naive", "esmm", "escm2-ips", "escm2-dr", "aitm")


class Log:
    """Impressions as rectangles: indices, tags and histories behind whose end stands 0, and how many of them count."""

    def __init__(self, stored, part, attributes):
        self.columns = {name: stored[f"{part}.{name}"] for name in ("user", "item", *attributes)}
        for name in ("tags", "history"):
            lengths = stored[f"{part}.{name}.lengths"]
            inside = torch.arange(int(lengths.max())) < lengths[:, None]
            padded = torch.zeros(inside.shape, dtype=torch.int64)
            padded[inside] = stored[f"{part}.{name}.elements"]
            self.columns[name], self.columns[name + " inside"] = padded, inside.float()
        self.click, self.purchase = (stored[f"{part}.{name}"].squeeze(1) for name in ("click", "purchase"))
        self.purchase_rate = stored[f"{part}.purchase_rate"].squeeze(1)

    def __len__(self):
        return len(self.click)

    def batch(self, rows):
        return {name: column[rows] for name, column in self.columns.items()}


class Encoder(nn.Module):
    """With the attention of Zhou et al. (KDD 2018), whose weights do not add up to 1."""

    def __init__(self, sizes):
        super().__init__()
        self.user, self.item = (nn.Embedding(sizes[name], SIZE) for name in ("users", "items"))
        for table in (self.user, self.item):
            nn.init.normal_(table.weight, 0, 0.05)
        self.tags = nn.Embedding(sizes["tags"], SIZE)
        nn.init.normal_(self.tags.weight, 0, 0.05)
        self.attributes = nn.ModuleDict({name: nn.Embedding(count + 1, OF_ATTRIBUTE) for name, count in sizes["attributes"].items()})
        for table in self.attributes.values():  # the vector of what is not known, which is never the case here
            nn.init.zeros_(table.weight[0:1].detach())
        self.unit = nn.Sequential(nn.Linear(4 * SIZE, 16), nn.Sigmoid(), nn.Linear(16, 1))
        self.width = 4 * SIZE + OF_ATTRIBUTE * len(self.attributes)

    def forward(self, batch):
        item = self.item(batch["item"])
        tags = (self.tags(batch["tags"]) * batch["tags inside"][..., None]).sum(1) / batch["tags inside"].sum(1, keepdim=True).clamp(min=1)
        keys = self.item(batch["history"])
        asked = item[:, None].expand_as(keys)
        weights = self.unit(torch.cat([asked, keys, asked - keys, asked * keys], 2)) * batch["history inside"][..., None]
        attributes = [table(batch[name] + 1) for name, table in self.attributes.items()]
        return torch.cat([self.user(batch["user"]), item, tags, *attributes, (weights * keys).sum(1)], 1)


class Cross(nn.Module):
    """Wang et al. (WWW 2021): x0 * (U V x + b) + x."""

    def __init__(self, width):
        super().__init__()
        self.v, self.u = nn.Linear(width, RANK, bias=False), nn.Linear(RANK, width)

    def forward(self, first, x):
        return first * self.u(self.v(x)) + x


class Transfer(nn.Module):
    """AITM's attention of a task's own tower and what the one before hands on."""

    def __init__(self):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(OF_TOWER, OF_TOWER, bias=False) for _ in range(3))

    def forward(self, own, handed_on):
        both = torch.stack([own, handed_on], 1)
        scores = (self.query(both) * self.key(both)).sum(2) / math.sqrt(OF_TOWER)
        return (torch.softmax(scores, 1)[..., None] * self.value(both)).sum(1)


def layer(inputs, outputs):
    return nn.Sequential(nn.Linear(inputs, outputs), nn.ReLU())


class Net(nn.Module):
    """Logits of the click, and of the purchase after it and its error, or of both."""

    def __init__(self, name, sizes):
        super().__init__()
        self.encoder = Encoder(sizes)
        width = self.encoder.width
        self.cross = nn.ModuleList(Cross(width) for _ in range(2))
        self.trunk = layer(width, FEATURES)
        tasks = {"aitm": ("click", "both"), "escm2-dr": ("click", "purchase", "error")}.get(name, ("click", "purchase"))
        self.towers = nn.ModuleDict({task: layer(FEATURES, OF_TOWER) for task in tasks})
        self.heads = nn.ModuleDict({task: nn.Linear(OF_TOWER, 1) for task in tasks})
        if name == "aitm":
            self.info, self.transfer = layer(OF_TOWER, OF_TOWER), Transfer()

    def forward(self, batch):
        first = x = self.encoder(batch)
        for cross in self.cross:
            x = cross(first, x)
        x = self.trunk(x)
        found = {task: tower(x) for task, tower in self.towers.items()}
        if "both" in found:
            found["both"] = self.transfer(found["both"], self.info(found["click"]))
        return {task: self.heads[task](value).squeeze(1) for task, value in found.items()}


def log_of_both(logits):
    """The logarithm of the probability of click and purchase: ESMM's product."""
    return F.logsigmoid(logits["click"]) + F.logsigmoid(logits["purchase"])


def entire_space(logits, both):
    log = log_of_both(logits)
    return -(both * log + (1 - both) * torch.log1p(-torch.exp(log).clamp(max=1 - 1e-7))).mean()


def loss_of(name, logits, click, purchase, joint):
    """`purchase` counts where there was a click. `joint` lets the square of a doubly robust loss reach the purchase too."""
    both = click * purchase
    of_click = F.binary_cross_entropy_with_logits(logits["click"], click)
    if name == "aitm":
        too_likely = F.relu(torch.sigmoid(logits["both"]) - torch.sigmoid(logits["click"])).mean()
        return of_click + F.binary_cross_entropy_with_logits(logits["both"], both) + 0.5 * too_likely
    error = F.binary_cross_entropy_with_logits(logits["purchase"], purchase, reduction="none")
    if name == "naive":
        return of_click + (click * error).sum() / click.sum().clamp(min=1)
    loss = of_click + entire_space(logits, both)
    ratio = click / torch.sigmoid(logits["click"]).detach().clamp(min=SMALLEST_PROPENSITY)
    if name == "escm2-ips":
        loss = loss + 0.1 * (ratio * error).mean()
    if name == "escm2-dr":
        imputed = F.softplus(logits["error"])
        square = ((error if joint else error.detach()) - imputed) ** 2
        loss = loss + 0.1 * (imputed + ratio * (error - imputed) + ratio * square).mean()
    return loss


def area(truth, scores):
    """Under the ROC curve: the share of pairs in the right order, ties as half."""
    truth = truth.astype(bool)
    values, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    positives = truth.sum()
    return float((ranks[truth].sum() - positives * (positives + 1) / 2) / (positives * (len(truth) - positives)))


def measure(net, log):
    net.eval()
    with torch.no_grad():
        parts = [net(log.batch(rows)) for rows in torch.arange(len(log)).split(4096)]
    logits = {task: torch.cat([part[task] for part in parts]).double() for task in parts[0]}
    click = torch.sigmoid(logits["click"])
    if "both" in logits:
        both = torch.sigmoid(logits["both"])
        purchase = (both / click.clamp(min=1e-9)).clamp(max=1)
    else:
        purchase = torch.sigmoid(logits["purchase"])
        both = click * purchase
    clicked = log.click.bool()
    return {"all": purchase.mean().item(), "clicked": purchase[clicked].mean().item(), "others": purchase[~clicked].mean().item(),
            "error": (purchase - log.purchase_rate).abs().mean().item(), "click_area": area(log.click.numpy(), click.float().numpy()),
            "purchase_area": area(log.purchase.numpy(), purchase.float().numpy()),
            "both_area": area((log.click * log.purchase).numpy(), both.float().numpy())}


def train(name, seed, stored, sizes, recipe, joint):
    torch.manual_seed(seed)
    log = Log(stored, "train", sizes["attributes"])
    net = Net(name, sizes)
    adam = torch.optim.Adam(net.parameters(), lr=recipe["learning_rate"])
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, math.ceil(len(log) / recipe["batch"]) * recipe["epochs"])
    for _ in range(recipe["epochs"]):
        for rows in torch.randperm(len(log)).split(recipe["batch"]):
            loss = loss_of(name, net(log.batch(rows)), log.click[rows], log.purchase[rows], joint)
            adam.zero_grad()
            loss.backward()
            adam.step()
            schedule.step()
    found = measure(net, Log(stored, "test", sizes["attributes"]))
    return found | {"parameters": sum(parameter.numel() for parameter in net.parameters())}


def example(args, seed, folder):
    """The figures of all nets, and the log that they learned from."""
    figures, log = os.path.join(folder, "figures.json"), os.path.join(folder, "log.safetensors")
    for more in (["--export", log], ["--json", figures, "--out", folder]):
        subprocess.run([args.program, "--seed", str(seed), "--threads", str(args.threads), *more], check=True, stdout=subprocess.DEVNULL)
    with open(figures, encoding="utf-8") as file:
        recipe = json.load(file)
    return recipe, tensors.read(log), json.loads(tensors.metadata(log)["clicks"])


def report(runs, names, points, errors):
    """Whether all means are together. The shops of both sides are the same: differences are those seed by seed."""
    print("| net | | " + " | ".join(FIGURES.values()) + " |\n|---|---|" + "---:|" * len(FIGURES))
    together = True
    for name in names:
        ours, theirs = ([run[side][name] for run in runs] for side in ("espalier", "pytorch"))
        for title, side in (("Espalier", ours), ("PyTorch", theirs)):
            print(f"| {name} | {title} | " + " | ".join(f"{statistics.fmean(run[key] for run in side):.4f}" for key in FIGURES) + " |")
        differences = {key: mean_and_error([a[key] - b[key] for a, b in zip(ours, theirs)]) for key in FIGURES}
        print("| | difference | " + " | ".join(f"{mean:+.4f} ± {error:.4f}" for mean, error in differences.values()) + " |")
        for key, (mean, error) in differences.items():
            if abs(mean) > max(points / 100 * (1 if key.endswith("area") else 2), errors * error):
                print(f"clicks: {name}, {FIGURES[key]}: apart by {mean:+.4f} ± {error:.4f}", file=sys.stderr)
                together = False
    return together


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--program", required=True, metavar="FILE", help="the example, compiled")
    parser.add_argument("--nets", default=",".join(NETS), help="parted by commas")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--points", type=float, default=1, help="hundredths that means may be apart")
    parser.add_argument("--errors", type=float, default=2, help="or standard errors of the difference")
    parser.add_argument("--joint", action="store_true", help="let the square of escm2-dr reach the purchase as well")
    parser.add_argument("--json", metavar="FILE", help="keeps every run")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    names = args.nets.split(",")
    runs = {}
    if args.json and os.path.exists(args.json):
        with open(args.json, encoding="utf-8") as file:
            runs = json.load(file)
    for seed in range(1, args.seeds + 1):
        if all(name in runs.get(str(seed), {"pytorch": {}})["pytorch"] for name in names):
            continue
        with tempfile.TemporaryDirectory() as folder:
            recipe, stored, sizes = example(args, seed, folder)
        run = runs.setdefault(str(seed), {"espalier": recipe["nets"], "pytorch": {}})
        for name in names:
            if name in run["pytorch"]:
                continue
            found = train(name, seed, stored, sizes, recipe, args.joint)
            if found["parameters"] != recipe["nets"][name]["parameters"]:
                sys.exit(f"clicks: expected {recipe['nets'][name]['parameters']} parameters of {name}, got {found['parameters']}")
            run["pytorch"][name] = found
            print(name, seed, found, file=sys.stderr)
            if args.json:
                with open(args.json, "w", encoding="utf-8") as file:
                    json.dump(runs, file, indent=1)
    if not report([runs[str(seed)] for seed in range(1, args.seeds + 1)], names, args.points, args.errors):
        sys.exit(f"clicks: expected means within {args.points:g} hundredths or {args.errors:g} standard errors, got others")


if __name__ == "__main__":
    main()
