#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The steps of benchmarks/training_step.cpp in PyTorch, each timed.

    python3 training_step.py --net lenet --side 28 --batch 64 --mode channels_last --json FILE

The modes: `default`, as users run it; `channels_last`, with the fused optimizer, the fastest in float; `bfloat16`, that
under autocast; `compile`, the default through torch.compile, which needs a C++ compiler. One mode a process, since the peak
memory is the process's. Needs PyTorch and nothing else.
"""
import argparse
import contextlib
import json
import statistics
import time

import torch
from torch import nn

TASKS = ("left", "right")


class MultiTaskNet(nn.Module):
    """A trunk that all tasks share, and a head for each."""

    def __init__(self, trunk, make_head):
        super().__init__()
        self.trunk = trunk
        self.heads = nn.ModuleDict({task: make_head() for task in TASKS})

    def forward(self, x):
        features = self.trunk(x)
        return {task: head(features) for task, head in self.heads.items()}


def separable(inputs, outputs, stride):
    return [nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False), nn.BatchNorm2d(inputs), nn.ReLU(),
            nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]


def make_network(name, side):
    if name == "reference":
        last = side // 8
        return MultiTaskNet(nn.Sequential(
            nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(64, 128, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(128 * last * last, 1024), nn.ReLU()),
            lambda: nn.Linear(1024, 10))
    if name == "separable":
        return MultiTaskNet(nn.Sequential(
            nn.Conv2d(1, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(3, 2, 1),
            *separable(32, 64, 1), *separable(64, 128, 2), *separable(128, 128, 1)), lambda: nn.Conv2d(128, 10, 1))
    last = ((side - 4) // 2 - 4) // 2
    return MultiTaskNet(nn.Sequential(
        nn.Conv2d(1, 10, 5), nn.MaxPool2d(2), nn.ReLU(),
        nn.Conv2d(10, 20, 5), nn.MaxPool2d(2), nn.ReLU(),
        nn.Flatten(), nn.Linear(20 * last * last, 50), nn.ReLU()),
        lambda: nn.Sequential(nn.Linear(50, 50), nn.ReLU(), nn.Linear(50, 10)))


def make_step(args):
    torch.manual_seed(1)
    x = torch.rand(args.batch, 1, args.side, args.side)
    pixels = [(args.side + 3) // 4] * 2 if args.net == "separable" else []
    labels = {task: torch.randint(10, (args.batch, *pixels)) for task in TASKS}
    net = make_network(args.net, args.side)
    fast = args.mode in ("channels_last", "bfloat16")
    if fast:
        net = net.to(memory_format=torch.channels_last)
        x = x.to(memory_format=torch.channels_last)
    sgd = torch.optim.SGD(net.parameters(), lr=0.001, momentum=0.9, fused=True if fast else None)
    if args.mode == "compile":
        net = torch.compile(net)
    criterion = nn.CrossEntropyLoss()
    bfloat16 = args.mode == "bfloat16"

    def step():
        with torch.autocast("cpu", dtype=torch.bfloat16) if bfloat16 else contextlib.nullcontext():
            outputs = net(x)
            loss = sum(criterion(outputs[task], labels[task]) for task in TASKS)
        sgd.zero_grad()
        loss.backward()
        sgd.step()

    return step


def time_steps(args, step):
    """Milliseconds of each step, after a warm-up of at least 3 steps and 0.3 s."""
    start, warm = time.perf_counter(), 0
    while warm < 3 or time.perf_counter() - start < 0.3:
        step()
        warm += 1
    times = []
    begin = time.perf_counter()
    while len(times) < args.steps if args.steps else len(times) < 3 or time.perf_counter() - begin < args.seconds:
        before = time.perf_counter()
        step()
        times.append(1e3 * (time.perf_counter() - before))
    return times


def peak_megabytes():
    """The most memory that this process ever had resident; without what its parent had, which getrusage counts."""
    with open("/proc/self/status", encoding="utf-8") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM:"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--net", choices=("reference", "lenet", "separable"), default="reference")
    parser.add_argument("--side", type=int, default=128, metavar="N", help="pixels a side")
    parser.add_argument("--batch", type=int, default=32, metavar="N", help="images a step")
    parser.add_argument("--threads", type=int, default=2, metavar="N")
    parser.add_argument("--seconds", type=float, default=5, metavar="S", help="time to measure for, at least 3 steps")
    parser.add_argument("--steps", type=int, default=0, metavar="N", help="steps to measure; 0 for as many as fit the time")
    parser.add_argument("--mode", choices=("default", "channels_last", "bfloat16", "compile"), default="default")
    parser.add_argument("--json", metavar="FILE", help="for the figures")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)

    times = time_steps(args, make_step(args))
    peak = peak_megabytes()
    text = f"PyTorch {torch.__version__}, {args.mode}, {torch.get_num_threads()} threads"
    print(f"{args.net} network, {args.side}x{args.side}, batch {args.batch}: median {statistics.median(times):.3f} ms a step, "
          f"min {min(times):.3f}, {len(times)} steps, peak memory {peak:.0f} MB\n{text}")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump({"net": args.net, "side": args.side, "batch": args.batch, "threads": args.threads, "mode": args.mode,
                       "median_ms": statistics.median(times), "min_ms": min(times), "peak_mb": peak, "text": text,
                       "step_ms": times}, file)
            file.write("\n")


if __name__ == "__main__":
    main()
