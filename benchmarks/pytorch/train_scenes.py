#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The recipe of examples/scenes.cpp in PyTorch, on exactly the same scenes.

    scenes --seed 1 --export FOLDER
    python3 train_scenes.py --scenes FOLDER --seed 1 --save weights.safetensors
    scenes --weights weights.safetensors

U-Net and the four heads, first weights as ours have them but from another generator, Adam whose rate falls on half a cosine, batches as
they lie in the files. The weights are scored by the example, so that both sides are measured alike. Needs PyTorch and nothing else.
"""
import argparse
import glob
import math
import os
import re
import sys
import time

import scenes
import tensors
import torch
from networks import NETWORKS
from torch import nn


def epochs(folder):
    """The files of the training, in order."""
    paths = glob.glob(os.path.join(folder, "epoch_*.safetensors"))
    return sorted(paths, key=lambda path: int(re.search(r"epoch_(\d+)", path).group(1)))


def make_network():
    """Convolutions of the U-Net start as its paper has them, and what else there is as PyTorch has it."""
    net = NETWORKS["scenes"](3, 96, 96)
    for layer in net.trunk[3:].modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)
        elif isinstance(layer, nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0, math.sqrt(2 / layer.in_channels))
            nn.init.zeros_(layer.bias)
    return net


def batches(path, size):
    """Images (N, 3, H, W) and targets as the losses take them."""
    whole = tensors.read(path)
    pixels = whole["pixels"].permute(0, 3, 1, 2)
    for first in range(0, len(pixels), size):
        part = {name: values[first:first + size] for name, values in whole.items()}
        cells = [side // scenes.STRIDE for side in pixels.shape[2:]]
        yield (pixels[first:first + size].contiguous(memory_format=torch.channels_last),
               {"segments": part["segments"], "boundaries": part["boundaries"], "depth": (part["depth"], part["known.depth"]),
                "objects": scenes.center_map(part["objects"], *cells)})


def train(folder, seed, batch, learning_rate):
    """The network, and the seconds that it took without reading."""
    torch.manual_seed(seed)
    net = make_network().to(memory_format=torch.channels_last)
    files = epochs(folder)
    if not files:
        sys.exit(f"train_scenes: expected epoch_*.safetensors in {folder}, got none")
    steps = len(files) * -(-len(tensors.read(files[0])["pixels"]) // batch)
    adam = torch.optim.Adam(net.parameters(), lr=learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
    seconds = 0.0
    for number, path in enumerate(files):
        for x, targets in batches(path, batch):
            start = time.perf_counter()
            outputs = net(x)
            losses = {task: scenes.task_loss(task, outputs[task], target) for task, target in targets.items()}
            adam.zero_grad()
            sum(scenes.LOSS_WEIGHTS[task] * loss for task, loss in losses.items()).backward()
            adam.step()
            schedule.step()
            seconds += time.perf_counter() - start
        print(f"PyTorch, seed {seed}, epoch {number + 1} of {len(files)}: "
              + ", ".join(f"{task} {loss.item():.3f}" for task, loss in losses.items()), file=sys.stderr)
    return net, seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--scenes", required=True, metavar="FOLDER", help="what `scenes --export FOLDER` wrote")
    parser.add_argument("--save", required=True, metavar="FILE", help="for the weights")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--learning-rate", type=float, default=0.003)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0, help="0 for PyTorch's own choice")
    args = parser.parse_args()
    if args.threads > 0:
        torch.set_num_threads(args.threads)
    net, seconds = train(args.scenes, args.seed, args.batch, args.learning_rate)
    tensors.write(args.save, net.state_dict())
    print(f"{seconds:.1f} s of training")


if __name__ == "__main__":
    main()
