#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The steps of benchmarks/balancing.cpp in PyTorch, each timed.

    python3 balancing.py --net lenet --input 28x28x1 --batch 256 --tasks 8 --mode sequential --json FILE

The modes: `sum`, one backward pass of the sum; `sequential`, a pass for each task whose gradients become a row of the Jacobian,
then UPGrad, as LibMTL does it; `torchjd`, TorchJD's `mtl_backward` and `jac_to_grad` with UPGrad. Needs PyTorch, and for all but
`sum` torchjd and quadprog.
"""
import argparse
import copy
import json
import statistics

import torch
from networks import NETWORKS, MultiTaskNet
from torch import nn
from training_step import status_megabytes, time_steps


class Training:
    """What a step needs."""

    def __init__(self, args):
        torch.manual_seed(1)
        *pixels, channels = args.input
        self.tasks = [f"task{t}" for t in range(args.tasks)]
        two = NETWORKS[args.net](channels, *pixels)
        head = next(iter(two.heads.values()))
        self.net = MultiTaskNet(two.trunk, lambda: copy.deepcopy(head), self.tasks)
        self.x = torch.rand(args.batch, channels, *pixels)
        self.labels = {task: torch.randint(10, (args.batch,)) for task in self.tasks}
        if args.channels_last:
            self.net = self.net.to(memory_format=torch.channels_last)
            self.x = self.x.to(memory_format=torch.channels_last)
        self.sgd = torch.optim.SGD(self.net.parameters(), lr=0.001, momentum=0.9, fused=True if args.channels_last else None)
        self.criterion = nn.CrossEntropyLoss()
        self.step = {"sum": self.sum_step, "sequential": self.sequential_step, "torchjd": self.torchjd_step}[args.mode]
        if args.mode != "sum":
            from torchjd.aggregation import UPGrad, UPGradWeighting
            self.weighting, self.aggregator = UPGradWeighting(), UPGrad()

    def losses(self, features):
        return [self.criterion(self.net.heads[task](features), self.labels[task]) for task in self.tasks]

    def sum_step(self):
        loss = sum(self.losses(self.net.trunk(self.x)))
        self.sgd.zero_grad()
        loss.backward()
        self.sgd.step()

    def sequential_step(self):
        losses = self.losses(self.net.trunk(self.x))
        self.sgd.zero_grad()
        shared = list(self.net.trunk.parameters())
        rows = []
        for task, loss in zip(self.tasks, losses):
            own = list(self.net.heads[task].parameters())
            gradients = torch.autograd.grad(loss, shared + own, retain_graph=True)
            rows.append(torch.cat([gradient.reshape(-1) for gradient in gradients[:len(shared)]]))
            for parameter, gradient in zip(own, gradients[len(shared):]):
                parameter.grad = gradient
        jacobian = torch.stack(rows)
        direction = self.weighting(jacobian @ jacobian.T) @ jacobian
        first = 0
        for parameter in shared:
            parameter.grad = direction[first:first + parameter.numel()].view_as(parameter)
            first += parameter.numel()
        self.sgd.step()

    def torchjd_step(self):
        from torchjd.autojac import jac_to_grad, mtl_backward
        features = self.net.trunk(self.x)
        losses = self.losses(features)
        self.sgd.zero_grad()
        mtl_backward(losses, features=features)
        jac_to_grad(self.net.trunk.parameters(), self.aggregator)
        self.sgd.step()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--net", choices=tuple(NETWORKS), default="lenet")
    parser.add_argument("--input", type=lambda text: [int(extent) for extent in text.split("x")], default="28x28x1", metavar="HxWxC")
    parser.add_argument("--batch", type=int, default=256, metavar="N", help="inputs a step")
    parser.add_argument("--tasks", type=int, default=2, metavar="N")
    parser.add_argument("--threads", type=int, default=2, metavar="N")
    parser.add_argument("--seconds", type=float, default=5, metavar="S", help="time to measure for, at least 3 steps")
    parser.add_argument("--steps", type=int, default=0, metavar="N", help="steps to measure; 0 for as many as fit the time")
    parser.add_argument("--mode", choices=("sum", "sequential", "torchjd"), default="sum")
    parser.add_argument("--channels-last", action="store_true", help="with the fused optimizer too")
    parser.add_argument("--json", metavar="FILE", help="for the figures")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    start = status_megabytes("VmRSS:")
    times = time_steps(args, Training(args).step)
    peak = status_megabytes("VmHWM:")
    text = f"PyTorch {torch.__version__}, {args.mode}, {torch.get_num_threads()} threads"
    print(f"{args.net}, {args.tasks} tasks, batch {args.batch}: median {statistics.median(times):.3f} ms a step, "
          f"min {min(times):.3f}, {len(times)} steps, peak memory {peak:.0f} MB, {start:.0f} at the start\n{text}")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump({"net": args.net, "input": args.input, "batch": args.batch, "tasks": args.tasks, "threads": args.threads,
                       "mode": args.mode, "median_ms": statistics.median(times), "min_ms": min(times), "peak_mb": peak,
                       "start_mb": start, "text": text, "step_ms": times}, file)
            file.write("\n")


if __name__ == "__main__":
    main()
