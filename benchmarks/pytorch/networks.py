# SPDX-License-Identifier: MIT
"""The networks of benchmarks/networks.hpp in PyTorch, under the same names and with the same names of parameters.

Inputs are (C, H, W), or (features,) of the MLP. `products(net, x)` counts what a step has to multiply.
"""
import torch
from torch import nn


class MultiTaskNet(nn.Module):
    """A trunk that all tasks share, and a head for each."""

    def __init__(self, trunk, make_head, tasks=("left", "right")):
        super().__init__()
        self.trunk = trunk
        self.heads = nn.ModuleDict({task: make_head() for task in tasks})

    def forward(self, x):
        features = self.trunk(x)
        return {task: head(features) for task, head in self.heads.items()}


def reference(channels, height, width):
    def stage(inputs, outputs):
        return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))

    return MultiTaskNet(nn.Sequential(
        stage(channels, 32), stage(32, 64), stage(64, 128),
        nn.Sequential(nn.Flatten(), nn.Linear(128 * (height // 8) * (width // 8), 1024), nn.ReLU())),
        lambda: nn.Linear(1024, 10))


def lenet(channels, height, width):
    last = [((side - 4) // 2 - 4) // 2 for side in (height, width)]
    return MultiTaskNet(nn.Sequential(
        nn.Sequential(nn.Conv2d(channels, 10, 5), nn.MaxPool2d(2), nn.ReLU()),
        nn.Sequential(nn.Conv2d(10, 20, 5), nn.MaxPool2d(2), nn.ReLU()),
        nn.Sequential(nn.Flatten(), nn.Linear(20 * last[0] * last[1], 50), nn.ReLU())),
        lambda: nn.Sequential(nn.Linear(50, 50), nn.ReLU(), nn.Linear(50, 10)))


def separable(channels, height, width):
    def block(inputs, outputs, stride):
        return [nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False), nn.BatchNorm2d(inputs), nn.ReLU(),
                nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]

    return MultiTaskNet(nn.Sequential(
        nn.Conv2d(channels, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(3, 2, 1),
        *block(32, 64, 1), *block(64, 128, 2), *block(128, 128, 1)), lambda: nn.Conv2d(128, 10, 1))


class ResidualBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs)
        self.downsample = nn.Sequential()
        if inputs != outputs or stride != 1:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(y)) + self.downsample(x))


def resnet20(channels, height, width):
    stages = [nn.Sequential(nn.Conv2d(channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU())]
    for inputs, outputs in ((16, 16), (16, 32), (32, 64)):
        stages.append(nn.Sequential(ResidualBlock(inputs, outputs, outputs // inputs), ResidualBlock(outputs, outputs, 1),
                                    ResidualBlock(outputs, outputs, 1)))
    return MultiTaskNet(nn.Sequential(*stages, nn.AdaptiveAvgPool2d(1), nn.Flatten()), lambda: nn.Linear(64, 10))


def double_convolution(inputs, outputs):
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(),
                         nn.Conv2d(outputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())


class UNetLevel(nn.Module):
    def __init__(self, inputs, outputs, depth):
        super().__init__()
        self.down = double_convolution(inputs, outputs)
        self.pool = nn.MaxPool2d(2)
        self.below = (UNetLevel(outputs, 2 * outputs, depth - 1) if depth > 1 else double_convolution(outputs, 2 * outputs))
        self.rise = nn.Upsample(scale_factor=2, mode="bilinear")
        self.up = double_convolution(3 * outputs, outputs)

    def forward(self, x):
        kept = self.down(x)
        return self.up(torch.cat([kept, self.rise(self.below(self.pool(kept)))], 1))


def unet(channels, height, width):
    return MultiTaskNet(UNetLevel(channels, 16, 3), lambda: nn.Conv2d(16, 10, 1))


def stem(channels, height, width):
    return MultiTaskNet(nn.Sequential(
        nn.Conv2d(channels, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1),
        nn.AdaptiveAvgPool2d(1), nn.Flatten()), lambda: nn.Linear(64, 10))


def mlp(features):
    return MultiTaskNet(nn.Sequential(nn.Linear(features, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(),
                                      nn.Linear(256, 128), nn.ReLU()),
                        lambda: nn.Linear(128, 10), [f"task{task}" for task in range(8)])


def odd(channels, height, width):
    return MultiTaskNet(nn.Sequential(
        nn.Conv2d(channels, 24, 5, 2, 2), nn.ReLU(), nn.Conv2d(24, 40, 5, 2, 2), nn.ReLU(), nn.Conv2d(40, 40, 5, 2, 2), nn.ReLU(),
        nn.Flatten()), lambda: nn.Linear(40 * ((height + 7) // 8) * ((width + 7) // 8), 10))


def mix(channels, height, width):
    return MultiTaskNet(nn.Sequential(
        nn.Conv2d(channels, 16, 9, padding=4), nn.GELU(), nn.AvgPool2d(2), nn.Dropout(0.1),
        nn.Conv2d(16, 32, 5, padding=2), nn.LeakyReLU(), nn.Dropout(0.1),
        nn.Conv2d(32, 64, 3, padding=2, dilation=2), nn.GELU(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(64 * (height // 4) * (width // 4), 128), nn.LeakyReLU(), nn.Dropout(0.5)),
        lambda: nn.Linear(128, 10))


NETWORKS = {make.__name__: make for make in (reference, lenet, separable, resnet20, unet, stem, mlp, odd, mix)}


def taps_on_pixels(side, outputs, kernel, stride, padding, dilation):
    """How many taps of all windows along one axis lie on a pixel, not on padding."""
    return sum(0 <= output * stride - padding + tap * dilation < side for output in range(outputs) for tap in range(kernel))


def products(net, x):
    """The products of one step: forward, the weights' gradient, and the input's where it is needed, which it is not of a layer
    that sees the batch itself. Of convolutions and linear layers, padding included, and those of pixels alone."""
    counts = [0, 0]

    def count(layer, inputs, output):
        (image,) = inputs
        passes = 3 if image.requires_grad else 2
        if isinstance(layer, nn.Linear):
            whole = useful = output.numel() * layer.in_features
        else:
            taps = layer.kernel_size[0] * layer.kernel_size[1]
            of_a_tap = output.shape[0] * output.shape[1] * image.shape[1] // layer.groups  # at one place
            rows, columns = (taps_on_pixels(image.shape[2 + axis], output.shape[2 + axis], layer.kernel_size[axis], layer.stride[axis],
                                            layer.padding[axis], layer.dilation[axis]) for axis in (0, 1))
            whole = of_a_tap * taps * output.shape[2] * output.shape[3]
            useful = of_a_tap * rows * columns
        counts[0] += passes * whole
        counts[1] += passes * useful

    hooks = [layer.register_forward_hook(count) for layer in net.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]
    net(x)
    for hook in hooks:
        hook.remove()
    return counts
