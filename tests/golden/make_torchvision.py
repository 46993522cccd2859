#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes torchvision.safetensors: names and shapes of torchvision's networks, and what they make of an image, in double.

    pip install torch==2.13.0 torchvision==0.28.0 numpy safetensors
    python tests/golden/make_torchvision.py

Weights are not stored. Tensor number k of a `state_dict()`, counters of batches left out, is `hashed(n, k + 1)` in PyTorch's order of
elements: times sqrt(6 / fan in) where it has more than one axis; of a normalisation, in the order of its four, 0.75 + hashed / 4,
hashed / 2, hashed / 4 and 1 + hashed / 4. The input is 2 hashed(n, 0), (N, H, W, C).

The metadata have a line `name shape` for each tensor of a network, the file has `<network>`, what the classifier is given in evaluation,
rounded to float.
"""
import pathlib

import numpy as np
import torch
import torchvision
from safetensors.numpy import save_file

from make_trunks import fan_in_of, hashed

FOLDER = pathlib.Path(__file__).resolve().parent
SHAPE = (1, 72, 65, 3)
torch.set_num_threads(1)


def values(name, tensor, k):
    x = hashed(tensor.numel(), k + 1).reshape(tuple(tensor.shape))
    if tensor.dim() > 1:
        return x * np.sqrt(6 / fan_in_of(tensor.shape))
    return {"weight": 0.75 + x / 4, "bias": x / 2, "running_mean": x / 4, "running_var": 1 + x / 4}[name.rsplit(".", 1)[1]]


def main():
    x = torch.tensor(2 * hashed(int(np.prod(SHAPE)), 0).reshape(SHAPE)).permute(0, 3, 1, 2)
    names, results = {}, {}
    for network, options in (("resnet18", {}), ("resnet34", {}), ("resnet50", {}), ("mobilenet_v2", {"width_mult": 0.25})):
        net = getattr(torchvision.models, network)(weights=None, **options).double().eval()
        state = {name: tensor for name, tensor in net.state_dict().items() if not name.endswith("num_batches_tracked")}
        names[network] = "\n".join(f"{name} {','.join(map(str, tensor.shape))}" for name, tensor in net.state_dict().items())
        net.load_state_dict({name: torch.tensor(values(name, tensor, k)) for k, (name, tensor) in enumerate(state.items())}, strict=False)
        last = "fc" if hasattr(net, "fc") else "classifier"
        setattr(net, last, torch.nn.Identity())
        with torch.no_grad():
            results[network] = net(x).numpy().astype(np.float32)
    path = FOLDER / "torchvision.safetensors"
    save_file(results, path, metadata=names)
    path.chmod(0o644)


if __name__ == "__main__":
    main()
