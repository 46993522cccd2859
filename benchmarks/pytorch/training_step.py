#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The steps of benchmarks/training_step.cpp in PyTorch, each timed.

    python3 training_step.py --net lenet --input 28x28x1 --batch 64 --mode channels_last --json FILE

The modes: `default`, as users run it; `channels_last`, with the fused optimizer; `compile`, that through torch.compile, which
needs a C++ compiler; `bfloat16`, `channels_last` under autocast; `plain`, of attention, with its whole matrix. One mode a process, since the peak memory is the process's.
With --export it writes what `training_step --check` compares with: weights, a batch, and the losses of the first steps.
Needs PyTorch and nothing else.
"""
import argparse
import contextlib
import copy
import json
import statistics
import time

import scenes
import torch
from networks import NETWORKS, products
from tensors import write
from torch import nn


def status_megabytes(key):
    """A line of this process's status. The peak is without what the parent had, which getrusage counts."""
    with open("/proc/self/status", encoding="utf-8") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith(key))


class Training:
    """What a step needs."""

    def __init__(self, args, learning_rate=0.001):
        torch.manual_seed(1)
        *pixels, channels = args.input
        image, clicks = len(pixels) == 2, args.net.startswith("esmm")
        self.x = torch.rand(args.batch, channels, *pixels) if image else torch.rand(args.batch, *args.input)
        self.net = NETWORKS[args.net](channels, *pixels)
        if clicks:
            self.x = torch.randint(self.net.categories, self.x.shape).float()
        if args.net == "scenes":
            self.targets = scenes.random_targets(args.batch, *pixels)
            # What a loader would have made ready: the map of objects.
            of_step = self.targets | {"objects": scenes.center_map(self.targets["objects"], *(side // scenes.STRIDE for side in pixels))}
            self.losses = {task: lambda out, task=task, y=y: scenes.LOSS_WEIGHTS[task] * scenes.task_loss(task, out, y)
                           for task, y in of_step.items()}
        elif clicks:
            click = (torch.rand(args.batch, 1) < 0.1).float()
            self.targets = {"click": click, "both": click * (torch.rand(args.batch, 1) < 0.1)}
            self.losses = {task: lambda out, y=y: nn.functional.binary_cross_entropy(out, y.to(out.dtype))
                           for task, y in self.targets.items()}
        else:
            with torch.no_grad():
                outputs = self.net(self.x)  # a class for every score that a head gives
            self.targets = {task: torch.randint(out.shape[1], (out.shape[0], *out.shape[2:])) for task, out in outputs.items()}
            criterion = nn.CrossEntropyLoss()
            self.losses = {task: lambda out, y=y: criterion(out, y) for task, y in self.targets.items()}
        fast = args.mode != "default"
        if fast and image:
            self.net = self.net.to(memory_format=torch.channels_last)
            self.x = self.x.to(memory_format=torch.channels_last)
        self.sgd = torch.optim.SGD(self.net.parameters(), lr=learning_rate, momentum=0 if clicks else 0.9,
                                   fused=True if fast and not clicks else None)
        self.forward = torch.compile(self.net) if args.mode == "compile" else self.net
        self.bfloat16 = args.mode == "bfloat16"

    def step(self):
        """Returns the loss before it."""
        with torch.autocast("cpu", dtype=torch.bfloat16) if self.bfloat16 else contextlib.nullcontext():
            outputs = self.forward(self.x)
            loss = sum(of_task(outputs[task]) for task, of_task in self.losses.items())
        self.sgd.zero_grad()
        loss.backward()
        self.sgd.step()
        return loss


def gemm_step(args):
    """a b of (m, k) and (k, n)."""
    torch.manual_seed(1)
    m, k, n = args.input
    a, b, c = torch.rand(m, k), torch.rand(k, n), torch.empty(m, n)
    return lambda: torch.mm(a, b, out=c)


def attention_step(args):
    """Forward and backward of queries, keys and values (N, heads, L, width): the fused form, or as it is written down."""
    torch.manual_seed(1)
    length, heads, width = args.input
    query, key, value = (torch.randn(args.batch, heads, length, width, requires_grad=True) for _ in range(3))

    def step():
        for leaf in (query, key, value):
            leaf.grad = None
        if args.mode == "plain":
            result = torch.softmax(query @ key.transpose(-1, -2) / width**0.5, -1) @ value
        else:
            result = nn.functional.scaled_dot_product_attention(query, key, value)
        result.sum().backward()

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


def three_losses(training, **rounding):
    """Of steps that leave `training` as it is. What `rounding` tells `Module.to` has them rounded in another way."""
    training = copy.deepcopy(training)
    training.net.to(**rounding)
    training.x = training.x.to(dtype=rounding.get("dtype"))
    return [training.step().item() for _ in range(3)]


def exported(targets):
    """Class indices as labels.<task>, numbers as values.<task>, and which of them are known as known.<task>."""
    tensors = {}
    for task, target in targets.items():
        target, known = target if isinstance(target, tuple) else (target, None)
        tensors[f"values.{task}" if target.is_floating_point() else f"labels.{task}"] = target
        if known is not None:
            tensors[f"known.{task}"] = known.long()
    return tensors


def export(args):
    """Weights, batch, labels, and the losses of three steps with a rate that moves them. Both sides draw masks of their own, so
    none are drawn. How far losses of the same steps lie apart when PyTorch rounds them in another way is told too: in a deep network
    with batch norm that is per cents after two steps. Prints the products of a step as JSON."""
    learning_rate = 0.02
    training = Training(args, learning_rate)
    for layer in training.net.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0
        if isinstance(layer, nn.MultiheadAttention):
            layer.dropout = 0.0
    losses = three_losses(training)
    others = three_losses(training, memory_format=torch.channels_last) + three_losses(training, dtype=torch.float64)
    tensors = {f"net.{name}": tensor.clone() for name, tensor in training.net.state_dict().items()}
    tensors |= {"input": training.x} | exported(training.targets)
    whole, useful = products(training.net, training.x)
    spread = max(abs(other - loss) / loss for other, loss in zip(others, 2 * losses))
    tensors |= {"losses": torch.tensor(losses, dtype=torch.float64), "spread": torch.tensor([spread], dtype=torch.float64)}
    tensors |= {"learning_rate": torch.tensor([learning_rate], dtype=torch.float64)}
    write(args.export, tensors)
    print(json.dumps({"parameters": sum(p.numel() for p in training.net.parameters()), "products": whole, "useful_products": useful}))


OPERATIONS = {"gemm": gemm_step, "attention": attention_step}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--net", choices=(*NETWORKS, *OPERATIONS), default="reference")
    parser.add_argument("--input", type=lambda text: [int(extent) for extent in text.split("x")], default="128x128x1",
                        metavar="HxWxC", help="extents of one input; MxKxN of the gemm, length x heads x width of attention")
    parser.add_argument("--batch", type=int, default=32, metavar="N", help="inputs a step")
    parser.add_argument("--threads", type=int, default=2, metavar="N")
    parser.add_argument("--seconds", type=float, default=5, metavar="S", help="time to measure for, at least 3 steps")
    parser.add_argument("--steps", type=int, default=0, metavar="N", help="steps to measure; 0 for as many as fit the time")
    parser.add_argument("--mode", choices=("default", "channels_last", "compile", "bfloat16", "plain"), default="default")
    parser.add_argument("--json", metavar="FILE", help="for the figures")
    parser.add_argument("--export", metavar="FILE", help="write this for `training_step --check` instead")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.export:
        return export(args)

    start = status_megabytes("VmRSS:")  # with PyTorch imported, before a network and a batch are made
    times = time_steps(args, OPERATIONS[args.net](args) if args.net in OPERATIONS else Training(args).step)
    peak = status_megabytes("VmHWM:")
    text = f"PyTorch {torch.__version__}, {args.mode}, {torch.get_num_threads()} threads"
    print(f"{args.net}, input {'x'.join(map(str, args.input))}, batch {args.batch}: median {statistics.median(times):.3f} ms a step, "
          f"min {min(times):.3f}, {len(times)} steps, peak memory {peak:.0f} MB, {start:.0f} at the start\n{text}")
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            json.dump({"net": args.net, "input": args.input, "batch": args.batch, "threads": args.threads, "mode": args.mode,
                       "median_ms": statistics.median(times), "min_ms": min(times), "peak_mb": peak, "start_mb": start,
                       "text": text, "step_ms": times}, file)
            file.write("\n")


if __name__ == "__main__":
    main()
