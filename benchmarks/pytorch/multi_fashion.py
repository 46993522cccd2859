#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The recipe of examples/multi_fashion.cpp in PyTorch, on exactly the same pairs.

    multi_fashion --pairs 0 --export pairs.safetensors
    python3 multi_fashion.py --pairs pairs.safetensors --seeds 5 --json torch.json

The example with `--fixed --pairs 0 --epochs 8 --learning-rate 0.01` does the same: its own default draws new pairs in every epoch.

Written as users of PyTorch write it: images (N, C, H, W), default initial weights, `CrossEntropyLoss` of each task
summed, SGD. Prints the test accuracy of each task over the seeds, mean and spread; the JSON file has the keys of
the example's, one object a seed under "runs". Needs PyTorch and nothing else.
"""
import argparse
import json
import os
import statistics
import sys
import time

import torch
from tensors import read
from torch import nn

TASKS = ("left", "right")


class MultiTaskNet(nn.Module):
    """A trunk that all tasks share, and a linear head for each."""

    def __init__(self, trunk, features):
        super().__init__()
        self.trunk = trunk
        self.heads = nn.ModuleDict({task: nn.Linear(features, 10) for task in TASKS})

    def forward(self, x):
        features = self.trunk(x)
        return {task: head(features) for task, head in self.heads.items()}


def make_network(name, side):
    if name == "reference":
        last = side // 8
        trunk = nn.Sequential(
            nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(64, 128, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(128 * last * last, 1024), nn.ReLU())
        return MultiTaskNet(trunk, 1024)
    last = ((side - 8) // 2 - 4) // 2
    trunk = nn.Sequential(
        nn.Conv2d(1, 10, 9), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(10, 20, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(20 * last * last, 50), nn.ReLU())
    return MultiTaskNet(trunk, 50)


def images(canvases):
    """Bytes (N, H, W, 1) as numbers in [0, 1], (N, 1, H, W)."""
    return (canvases.float() / 255).permute(0, 3, 1, 2).contiguous()


@torch.no_grad()
def evaluate(net, x, labels):
    """Loss and accuracy of each task."""
    net.eval()
    parts = [net(part) for part in x.split(256)]
    net.train()
    scores = {}
    for task in TASKS:
        output = torch.cat([part[task] for part in parts])
        accuracy = (output.argmax(1) == labels[task]).double().mean().item()
        scores[task] = {"loss": nn.functional.cross_entropy(output, labels[task]).item(), "accuracy": accuracy}
    return scores


def train(args, seed, pairs):
    torch.manual_seed(seed)
    x, test_x = images(pairs["train.canvases"]), images(pairs["test.canvases"])
    labels = {task: pairs[f"train.{task}"] for task in TASKS}
    test_labels = {task: pairs[f"test.{task}"] for task in TASKS}
    net = make_network(args.net, x.shape[2])
    criterion = nn.CrossEntropyLoss()
    sgd = torch.optim.SGD(net.parameters(), lr=args.learning_rate, momentum=args.momentum)

    curves = {task: {"loss": [], "accuracy": []} for task in TASKS}
    seconds = 0.0
    for epoch in range(args.epochs):
        start = time.perf_counter()
        loss_sum = dict.fromkeys(TASKS, 0.0)
        right = dict.fromkeys(TASKS, 0)
        for index in torch.randperm(len(x)).split(args.batch):
            outputs = net(x[index])
            losses = {task: criterion(outputs[task], labels[task][index]) for task in TASKS}
            sgd.zero_grad()
            sum(losses.values()).backward()
            sgd.step()
            for task in TASKS:
                loss_sum[task] += losses[task].item() * len(index)
                right[task] += (outputs[task].argmax(1) == labels[task][index]).sum().item()
        seconds += time.perf_counter() - start
        line = f"seed {seed}   epoch {epoch + 1}/{args.epochs}"
        for task in TASKS:
            curves[task]["loss"].append(loss_sum[task] / len(x))
            curves[task]["accuracy"].append(right[task] / len(x))
            line += f"   {task} {curves[task]['loss'][-1]:.3f} {100 * curves[task]['accuracy'][-1]:5.1f} %"
        print(line, file=sys.stderr)

    test = evaluate(net, test_x, test_labels)
    return {
        "net": args.net, "data": args.pairs, "canvas": x.shape[2], "epochs": args.epochs, "batch": args.batch,
        "learning_rate": args.learning_rate, "momentum": args.momentum, "seed": seed,
        "threads": torch.get_num_threads(), "train_pairs": len(x), "test_pairs": len(test_x),
        "parameters": sum(p.numel() for p in net.parameters()), "train": curves,
        "test_accuracy": {task: test[task]["accuracy"] for task in TASKS},
        "test_loss": {task: test[task]["loss"] for task in TASKS},
        "seconds_per_epoch": seconds / args.epochs,
        "build": {"version": torch.__version__, "text": f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads"},
    }


def write_json(path, value):
    """In one step, so that nobody ever reads half a file."""
    with open(path + ".tmp", "w", encoding="utf-8") as file:
        json.dump(value, file, indent=2)
        file.write("\n")
    os.replace(path + ".tmp", path)


def mean_and_spread(values):
    """Mean and sample standard deviation, in percent."""
    values = [100 * value for value in values]
    return statistics.mean(values), statistics.stdev(values) if len(values) > 1 else 0.0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--pairs", required=True, metavar="FILE", help="what `multi_fashion --export FILE` wrote")
    parser.add_argument("--net", choices=("reference", "lenet"), default="reference")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=0.01)
    parser.add_argument("--momentum", type=float, default=0.9)
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--seeds", type=int, default=1, metavar="K", help="train with K seeds, one after the other")
    parser.add_argument("--threads", type=int, default=0, help="0 for PyTorch's own choice")
    parser.add_argument("--json", metavar="FILE", help="file for the figures")
    args = parser.parse_args()
    if min(args.epochs, args.batch, args.seeds) < 1:
        parser.error("--epochs, --batch and --seeds must be 1 or more")
    if args.threads > 0:
        torch.set_num_threads(args.threads)

    pairs = read(args.pairs)
    runs = [train(args, seed, pairs) for seed in range(args.seed, args.seed + args.seeds)]
    for task in TASKS:
        mean, spread = mean_and_spread([run["test_accuracy"][task] for run in runs])
        print(f"{task:8} {mean:6.2f} % ± {spread:.2f}   over {len(runs)} seed{'s' if len(runs) > 1 else ''}")
    if args.json:
        write_json(args.json, {"runs": runs})


if __name__ == "__main__":
    main()
