#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Does Espalier learn as much as PyTorch? Same network, pairs, batch, learning rate and epochs, over several seeds.

    python3 compare_accuracy.py --program build/release/examples/multi_fashion --seeds 5
    python3 compare_accuracy.py ... --net lenet --data FOLDER --batch 256 --learning-rate 0.05

Both train on the pairs that the program exports, the same in every epoch (`--fixed`). A seed draws the first weights
and the order of batches, with another generator on each side: the means are to be compared, not single runs, and seeds are the
first --seeds numbers, so choose their count before. Prints a Markdown table with the difference of the means and its standard
error; --json keeps every run. Exit code 1 if a task's means are further apart than --tolerance, which says
little with fewer than some five seeds.
"""
import argparse
import json
import math
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "pytorch"))
from multi_fashion import TASKS, mean_and_spread, train, write_json  # noqa: E402
from tensors import read  # noqa: E402


def train_espalier(args, seed, folder):
    figures = os.path.join(folder, "figures.json")
    command = [args.program, *data_options(args), "--net", args.net, "--epochs", str(args.epochs), "--batch", str(args.batch),
               "--learning-rate", str(args.learning_rate), "--momentum", str(args.momentum), "--seed", str(seed),
               "--fixed", "--threads", str(args.threads), "--out", folder, "--json", figures]
    print(f"Espalier, seed {seed}", file=sys.stderr)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    with open(figures, encoding="utf-8") as file:
        return json.load(file)


def data_options(args):
    options = ["--data-seed", str(args.data_seed), "--canvas", str(args.canvas), "--pairs", str(args.train_pairs)]
    if args.data:
        options += ["--data", args.data]
    return options


def table(ours, theirs):
    """Rows of the Markdown table, and the largest difference of two means."""
    lines = ["| task | Espalier | PyTorch | difference | standard error |", "|---|---|---|---|---|"]
    largest = 0.0
    for task in TASKS:
        (mean, spread), (their_mean, their_spread) = (
            mean_and_spread([run["test_accuracy"][task] for run in runs]) for runs in (ours, theirs))
        error = f"{math.sqrt((spread**2 + their_spread**2) / len(ours)):.2f}" if len(ours) > 1 else "unknown"
        largest = max(largest, abs(mean - their_mean))
        lines.append(f"| {task} | {mean:.2f} ± {spread:.2f} % | {their_mean:.2f} ± {their_spread:.2f} % | "
                     f"{mean - their_mean:+.2f} | {error} |")
    seconds = [sum(run["seconds_per_epoch"] for run in runs) / len(runs) for runs in (ours, theirs)]
    lines.append(f"| seconds an epoch | {seconds[0]:.2f} | {seconds[1]:.2f} | | |")
    return lines, largest


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--program", required=True, metavar="FILE", help="the built example multi_fashion")
    parser.add_argument("--seeds", type=int, default=5, metavar="K", help="seeds 1 to K")
    parser.add_argument("--net", choices=("reference", "lenet"), default="reference")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=0.01)
    parser.add_argument("--momentum", type=float, default=0.9)
    parser.add_argument("--threads", type=int, default=0, help="0 for what each side chooses")
    parser.add_argument("--data", metavar="FOLDER", help="IDX files; without it, the subset that the program knows")
    parser.add_argument("--data-seed", type=int, default=1)
    parser.add_argument("--train-pairs", type=int, default=0, metavar="N", help="0 for one an image")
    parser.add_argument("--canvas", type=int, default=36)
    parser.add_argument("--tolerance", type=float, default=1.0, help="points of accuracy that the means may differ by")
    parser.add_argument("--json", metavar="FILE", help="file for all figures")
    args = parser.parse_args()
    if args.seeds < 1:
        parser.error("--seeds must be 1 or more")
    if args.threads > 0:
        import torch
        torch.set_num_threads(args.threads)

    with tempfile.TemporaryDirectory() as folder:
        args.pairs = os.path.join(folder, "pairs.safetensors")
        subprocess.run([args.program, *data_options(args), "--export", args.pairs], check=True)
        pairs = read(args.pairs)
        ours, theirs = [], []
        for seed in range(1, args.seeds + 1):  # in turns, so that a busy machine is busy for both
            ours.append(train_espalier(args, seed, folder))
            theirs.append(train(args, seed, pairs))
    for run, other in zip(ours, theirs):
        for key in ("net", "canvas", "epochs", "batch", "learning_rate", "momentum", "train_pairs", "test_pairs", "parameters"):
            if run[key] != other[key]:
                sys.exit(f"compare_accuracy: expected the same {key} on both sides, got {run[key]} and {other[key]}")
        other["data"] = run["data"]  # the same pairs; the file they came in is gone

    lines, largest = table(ours, theirs)
    recipe = (f"{args.net} network, {ours[0]['train_pairs']} training and {ours[0]['test_pairs']} test pairs "
              f"of {args.canvas}×{args.canvas}, of the images in {ours[0]['data']}, "
              f"batch {args.batch}, learning rate {args.learning_rate:g}, momentum {args.momentum:g}, {args.epochs} epochs, "
              f"{f'seeds 1 to {args.seeds}' if args.seeds > 1 else 'seed 1'}; {ours[0]['build']['text']}; {theirs[0]['build']['text']}.")
    print("Test accuracy, mean ± standard deviation: " + recipe + "\n\n" + "\n".join(lines))
    if args.json:
        write_json(args.json, {"recipe": recipe, "table": lines, "espalier": ours, "pytorch": theirs})
    if largest > args.tolerance:
        sys.exit(f"compare_accuracy: expected means within {args.tolerance:g} points, got {largest:.2f}")


if __name__ == "__main__":
    main()
