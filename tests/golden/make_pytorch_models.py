#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes state_dicts as PyTorch has them, and what PyTorch's networks make of some inputs.

    pip install torch==2.13.0 safetensors
    python tests/golden/make_pytorch_models.py

pytorch/<network>.<type>.safetensors  `save_file(model.state_dict())`, for the types below.
pytorch/expected.safetensors          `<network>/input` in the layout of this library, and `<network>.<type>/<output>`: the
                                      outputs of the same weights in float.

Nothing is random but for fixed seeds: a second run writes the same bytes.
"""

import copy
import pathlib

import torch
from safetensors.torch import save_file
from torch import nn

FOLDER = pathlib.Path(__file__).resolve().parent / "pytorch"
TYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}


class MultiTask(nn.Module):
    def __init__(self, trunk, **heads):
        super().__init__()
        self.trunk = trunk
        self.heads = nn.ModuleDict(heads)

    def forward(self, x):
        features = self.trunk(x)
        return {task: head(features) for task, head in self.heads.items()}


class Residual(nn.Module):
    """A flattened image plus what a linear layer makes of it: rows and columns of one weight are in the image's order."""

    def __init__(self, width):
        super().__init__()
        self.inner = nn.Linear(width, width)

    def forward(self, x):
        return x + torch.tanh(self.inner(x))


class Mixed(nn.Module):
    """What no layer does: parameters that are added and multiplied, a concatenation, rows that become an image again."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 3, 3, padding=1)
        self.position = nn.Parameter(torch.zeros(1, 3, 4, 5))
        self.gain = nn.Parameter(torch.zeros(60))
        self.side = nn.Linear(60, 60)
        self.down = nn.Linear(60, 7)
        self.join = nn.Linear(67, 60)
        self.project = nn.Parameter(torch.zeros(60, 6))
        self.last = nn.Conv2d(3, 2, 3, padding=1)

    def forward(self, x):
        x = torch.relu(self.first(x) + self.position)
        row = x.flatten(1) * self.gain
        row = row + torch.tanh(self.side(row))
        joined = torch.cat([row, torch.relu(self.down(row))], 1)
        image = self.join(joined).unflatten(1, (3, 4, 5)) + x
        return {"row": row @ self.project, "image": self.last(image)}


def networks():
    """Images of 8 x 10: height and width must not be mistaken for one another. Shapes that are equal in both layouts."""
    return {
        "rgb": (MultiTask(nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2),
                                        nn.Conv2d(3, 6, 3, padding=1, groups=3), nn.ReLU(),
                                        nn.Conv2d(6, 6, 3, padding=1, groups=6, bias=False), nn.Flatten(),
                                        nn.BatchNorm1d(120), nn.Linear(120, 16), nn.ReLU(), nn.LayerNorm(16)),
                          left=nn.Linear(16, 4), right=nn.Sequential(nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 1))), (3, 8, 10)),
        # Heads that read the flattened image themselves, and one that pools.
        "flat": (MultiTask(nn.Sequential(nn.Conv2d(3, 3, 3), nn.ReLU(), nn.MaxPool2d(2)),
                           a=nn.Sequential(nn.Flatten(), Residual(36), nn.Linear(36, 36)),
                           b=nn.Sequential(nn.Flatten(), nn.LayerNorm(36), nn.Linear(36, 2)),
                           c=nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 3))), (3, 8, 10)),
        # From rows to images: the linear layer has its rows in the image's order.
        "decoder": (nn.Sequential(nn.Linear(5, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Unflatten(1, (4, 2, 3)),
                                  nn.Upsample(scale_factor=2), nn.Conv2d(4, 3, 3, padding=1)), (5,)),
        "mixed": (Mixed(), (3, 4, 5)),
    }


def randomize(model, generator):
    """Statistics that a training would leave, so that an order that is wrong shows."""
    for name, tensor in model.state_dict().items():
        if name.endswith("running_mean"):
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.3)
        elif name.endswith("running_var"):
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
        elif name.endswith("num_batches_tracked"):
            tensor.fill_(7)
        else:
            scale = tensor.shape[1:].numel() ** -0.5 if tensor.dim() > 1 else 0.5
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * scale)


def channels_last(x):
    return x.permute(0, 2, 3, 1).contiguous() if x.dim() == 4 else x.contiguous()


def main():
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(20250601)
    FOLDER.mkdir(exist_ok=True)
    expected = {}
    for name, (model, shape) in networks().items():
        randomize(model, generator)
        x = torch.randn((3, *shape), generator=generator)
        expected[f"{name}/input"] = channels_last(x)
        for type_name, dtype in TYPES.items():
            rounded = copy.deepcopy(model).to(dtype)
            save_file(rounded.state_dict(), FOLDER / f"{name}.{type_name}.safetensors")
            with torch.no_grad():
                outputs = rounded.float().eval()(x)
            for task, output in outputs.items() if isinstance(outputs, dict) else [("output", outputs)]:
                expected[f"{name}.{type_name}/{task}"] = channels_last(output)
    save_file(expected, FOLDER / "expected.safetensors")


if __name__ == "__main__":
    main()
