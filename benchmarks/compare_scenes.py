#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What does the example `scenes` learn, beside PyTorch and beside other ways to share?

    python3 compare_scenes.py pytorch --program build/release/examples/scenes --seeds 5
    python3 compare_scenes.py sharing --program build/release/examples/scenes --seeds 3 --labels 0.3

`pytorch`: the same net, scenes, batches and recipe on both sides; all weights are scored by the example. `sharing`: one net under some
rules, MTAN and cross-stitch, beside a net for each task. A seed draws first weights and scenes, so both sides of a row see the same
scenes. Prints a Markdown table of means and their standard errors; --json keeps every run, and what it holds already is not run again.
"""
import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TASKS = {"segments": "mIoU", "boundaries": "boundary F", "depth": "AbsRel", "objects": "AP50"}
LOWER_IS_BETTER = ("depth",)
SHARING = {"hard, Sum": (), "hard, UW": ("--rule", "UW"), "hard, UPGrad": ("--rule", "UPGrad"), "MTAN, Sum": ("--way", "mtan"),
           "cross-stitch, Sum": ("--way", "cross-stitch")}
ALONE = "a net each"


class Runs:
    """Figures by row and seed, kept in a file as they come."""

    def __init__(self, path):
        self.path, self.of = path, {}
        if path and os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                self.of = json.load(file)

    def have(self, row, seed):
        return str(seed) in self.of.get(row, {})

    def add(self, row, seed, figures):
        self.of.setdefault(row, {})[str(seed)] = figures
        if self.path:
            with open(self.path + ".tmp", "w", encoding="utf-8") as file:
                json.dump(self.of, file, indent=1)
            os.replace(self.path + ".tmp", self.path)
        print(row, seed, {key: round(value, 4) for key, value in figures.items()}, file=sys.stderr)


def recipe(args, seed):
    return ["--epochs", args.epochs, "--scenes", args.scenes, "--batch", args.batch, "--learning-rate", args.learning_rate,
            "--labels", args.labels, "--test-scenes", args.test_scenes, "--trunk", "unet", "--seed", seed]


def example(args, folder, *options):
    """What the program writes."""
    path = os.path.join(folder, "figures.json")
    command = [args.program, *options, "--out", folder, "--json", path]
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def figures_of(found, which="together"):
    return found[which] | {"seconds": found["seconds"]}


def beside_pytorch(args, runs, folder):
    for seed in range(1, args.seeds + 1):
        if not runs.have("Espalier", seed):
            runs.add("Espalier", seed, figures_of(example(args, folder, *recipe(args, seed))))
        if runs.have("PyTorch", seed):
            continue
        with tempfile.TemporaryDirectory(dir=folder) as exported:
            subprocess.run([str(part) for part in (args.program, *recipe(args, seed), "--export", exported)], check=True)
            weights = os.path.join(folder, "pytorch.safetensors")
            script = os.path.join(HERE, "pytorch", "train_scenes.py")
            told = subprocess.run([args.python, script, "--scenes", exported, "--save", weights, "--batch", str(args.batch),
                                   "--learning-rate", str(args.learning_rate), "--seed", str(seed)],
                                  check=True, stdout=subprocess.PIPE, text=True).stdout
        found = example(args, folder, "--weights", weights, "--test-scenes", args.test_scenes)
        runs.add("PyTorch", seed, found["together"] | {"seconds": float(told.split()[0])})


def ways_of_sharing(args, runs, folder):
    for seed in range(1, args.seeds + 1):
        for row, options in SHARING.items():
            if not runs.have(row, seed):
                alone = not options and not runs.have(ALONE, seed)
                found = example(args, folder, *recipe(args, seed), *options, *(["--baselines"] if alone else []))
                runs.add(row, seed, figures_of(found))
                if alone:
                    runs.add(ALONE, seed, found["alone"])


def mean_and_error(values):
    return statistics.mean(values), statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0


def gain(figures, baseline):
    """Δm of Maninis et al. (2019) in percent: how much better than a net for each task, over the tasks."""
    return 100 * statistics.mean((figures[task] - baseline[task]) / baseline[task] * (-1 if task in LOWER_IS_BETTER else 1) for task in TASKS)


def table(runs, rows, digits=1):
    baseline = runs.of.get(ALONE)
    means = baseline and {task: statistics.mean(run[task] for run in baseline.values()) for task in TASKS}
    lines = ["| | " + " | ".join([*(f"{name} %" for name in TASKS.values()), *(["Δm %"] if means else []), "seconds"]) + " |"]
    lines.append("|---" * (lines[0].count("|") - 1) + "|")
    for row in rows:
        of_row = list(runs.of[row].values())
        cells = []
        for task in TASKS:
            mean, error = mean_and_error([100 * run[task] for run in of_row])
            cells.append(f"{mean:.{digits}f} ± {error:.{digits}f}")
        if means:
            mean, error = mean_and_error([gain(run, means) for run in of_row])
            cells.append("" if row == ALONE else f"{mean:+.{digits}f} ± {error:.{digits}f}")
        seconds = [run["seconds"] for run in of_row if "seconds" in run]
        cells.append(f"{statistics.median(seconds):.0f}" if seconds else "")
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    return lines


def differences(runs):
    """Of the means, with the standard error of the difference."""
    lines = []
    for task, name in TASKS.items():
        (ours, our_error), (theirs, their_error) = (mean_and_error([100 * run[task] for run in runs.of[row].values()])
                                                    for row in ("Espalier", "PyTorch"))
        lines.append(f"{name}: {ours - theirs:+.2f} points, standard error {math.hypot(our_error, their_error):.2f}")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("what", choices=("pytorch", "sharing"))
    parser.add_argument("--program", required=True, metavar="FILE", help="the built example scenes")
    parser.add_argument("--python", default=sys.executable, metavar="FILE", help="that has PyTorch")
    parser.add_argument("--seeds", type=int, default=5, metavar="K", help="seeds 1 to K")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--scenes", type=int, default=2000, help="an epoch")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--learning-rate", type=float, default=0.003)
    parser.add_argument("--labels", type=float, default=1.0, help="share of the scenes of which a task has labels")
    parser.add_argument("--test-scenes", type=int, default=300)
    parser.add_argument("--json", metavar="FILE", help="for all figures")
    args = parser.parse_args()
    args.program = os.path.abspath(args.program)
    runs = Runs(args.json)
    with tempfile.TemporaryDirectory() as folder:
        (beside_pytorch if args.what == "pytorch" else ways_of_sharing)(args, runs, folder)
    if args.what == "pytorch":
        print("\n".join(table(runs, ("Espalier", "PyTorch")) + [""] + differences(runs)))
    else:
        print("\n".join(table(runs, (ALONE, *SHARING))))


if __name__ == "__main__":
    main()
