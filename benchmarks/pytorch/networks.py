# SPDX-License-Identifier: MIT
"""The networks of benchmarks/networks.hpp in PyTorch, under the same names and with the same names of parameters.

Inputs are (C, H, W), or (features,) of the MLP. `products(net, x)` counts what a step has to multiply.
"""
import torch
from torch import nn
from torch.nn import functional as F


class MultiTaskNet(nn.Module):
    """A trunk that all tasks share, or another way of sharing that gives a list of features for each, and a head for each."""

    def __init__(self, trunk, make_head, tasks=("left", "right")):
        super().__init__()
        self.trunk = trunk
        self.heads = nn.ModuleDict({task: make_head() for task in tasks})

    def forward(self, x):
        features = self.trunk(x)
        if not isinstance(features, list):
            features = [features] * len(self.heads)
        return {task: head(own) for (task, head), own in zip(self.heads.items(), features)}


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


def resnet(stem, widths, blocks):
    """Its stages, the last one with the mean over the image."""
    stages, inputs = [stem], widths[0]
    for outputs in widths:
        stage = [ResidualBlock(inputs if i == 0 else outputs, outputs, outputs // inputs if i == 0 else 1) for i in range(blocks)]
        stages.append(nn.Sequential(*stage))
        inputs = outputs
    stages[-1].extend([nn.AdaptiveAvgPool2d(1), nn.Flatten()])
    return nn.Sequential(*stages)


def resnet20_trunk(channels):
    stem = nn.Sequential(nn.Conv2d(channels, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
    return resnet(stem, (16, 32, 64), 3)


def resnet20(channels, height, width):
    return MultiTaskNet(resnet20_trunk(channels), lambda: nn.Linear(64, 10))


def resnet18(channels, height, width):
    stem = nn.Sequential(nn.Conv2d(channels, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
    return MultiTaskNet(resnet(stem, (64, 128, 256, 512), 2), lambda: nn.Linear(512, 10))


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


def conv_norm(inputs, outputs, kernel, stride=1, groups=1, activation=True, make_activation=nn.ReLU6):
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, *([make_activation()] if activation else []))


class HarDBlock(nn.Module):
    """Layer i reads those that are 1, 2, 4 ... before it, as long as the power of two divides i."""

    def __init__(self, channels, growth, multiplier, count, depthwise, make_activation=nn.ReLU6):
        super().__init__()
        self.links = [[i - 2**k for k in range(i.bit_length()) if i % 2**k == 0] for i in range(1, count + 1)]
        widths, layers = [channels], []
        for links in self.links:
            outputs = int(growth * multiplier ** (len(links) - 1) + 1) // 2 * 2
            inputs = sum(widths[link] for link in links)
            layers.append(nn.Sequential(conv_norm(inputs, outputs, 1), conv_norm(outputs, outputs, 3, groups=outputs, activation=False))
                          if depthwise else conv_norm(inputs, outputs, 3, make_activation=make_activation))
            widths.append(outputs)
        self.layers = nn.ModuleList(layers)
        self.kept = [i for i in range(1, count + 1) if i % 2 or i == count]
        self.width = sum(widths[i] for i in self.kept)

    def forward(self, x):
        outputs = [x]
        for layer, links in zip(self.layers, self.links):
            outputs.append(layer(torch.cat([outputs[link] for link in links], 1)))
        return torch.cat([outputs[i] for i in self.kept], 1)


def hardnet68_trunk(channels, depthwise):
    def halving(width, pool):
        return conv_norm(width, width, 3, 2, width, False) if depthwise else pool

    stages = [nn.Sequential(conv_norm(channels, 32, 3, 2), conv_norm(32, 64, 1 if depthwise else 3),
                            halving(64, nn.MaxPool2d(3, 2, 1)))]
    inputs = 64
    for growth, count, outputs, down in ((14, 8, 128, True), (16, 16, 256, False), (20, 16, 320, True), (40, 16, 640, True),
                                         (160, 4, 1024, False)):
        block = HarDBlock(inputs, growth, 1.7, count, depthwise)
        stages.append(nn.Sequential(block, conv_norm(block.width, outputs, 1), *([halving(outputs, nn.MaxPool2d(2))] if down else [])))
        inputs = outputs
    stages[-1].extend([nn.AdaptiveAvgPool2d(1), nn.Flatten()])
    return nn.Sequential(*stages)


def hardnet68(channels, height, width):
    return MultiTaskNet(hardnet68_trunk(channels, False), lambda: nn.Linear(1024, 10))


def hardnet68ds(channels, height, width):
    return MultiTaskNet(hardnet68_trunk(channels, True), lambda: nn.Linear(1024, 10))


def fastnet_half(channels, height, width):
    stages, inputs = [], channels
    for widths, kernel in (((32, 64, 64, 64), 3), ((64, 64, 64), 3), ((64, 64, 64), 3), ((64, 64), 3), ((64, 64, 64), 1)):
        stage = nn.Sequential()
        for outputs in widths:
            stage.extend([nn.BatchNorm2d(inputs, eps=1e-3, momentum=0.05), nn.ReLU(),
                          nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)])
            inputs = outputs
        stage.extend([nn.MaxPool2d(2)] if kernel == 3 else [nn.AdaptiveAvgPool2d(1), nn.Flatten()])
        stages.append(stage)
    return MultiTaskNet(nn.Sequential(*stages), lambda: nn.Linear(64, 10))


class CrossStitch(nn.Module):
    """A column for each task; after each stage all go on with mixtures of what they found."""

    def __init__(self, make_column, count=2):
        super().__init__()
        self.columns = nn.ModuleList(make_column() for _ in range(count))
        own = 0.1 + 0.8 * torch.eye(count)
        self.units = nn.ParameterList(nn.Parameter(own.clone()) for _ in self.columns[0])

    def forward(self, x):
        values = [x] * len(self.columns)
        for unit, *stages in zip(self.units, *self.columns):
            found = [stage(value) for stage, value in zip(stages, values)]
            values = [sum(weight * value for weight, value in zip(row, found)) for row in unit]
        return values


def cross_stitch(channels, height, width):
    return MultiTaskNet(CrossStitch(lambda: resnet20_trunk(channels)), lambda: nn.Linear(64, 10))


def gated(gate, x, experts):
    """softmax(gate(x)) says how much of each expert's output a sample takes."""
    return torch.einsum("ne,nec->nc", torch.softmax(gate(x), -1), torch.stack(experts, 1))


class Level(nn.Module):
    """`make_gate(n)` mixes n experts; there is one more below another level, for what is shared there."""

    def __init__(self, make_expert, make_gate, last=True, tasks=2):
        super().__init__()
        self.own = nn.ModuleList(nn.ModuleList([make_expert()]) for _ in range(tasks))
        self.shared = nn.ModuleList([make_expert()])
        self.gates = nn.ModuleList(make_gate(2) for _ in range(tasks))
        self.shared_gate = nn.ModuleList([] if last else [make_gate(tasks + 1)])

    def forward(self, values, common):
        shared = self.shared[0](common)
        own = [experts[0](value) for experts, value in zip(self.own, values)]
        mixed = [gated(gate, value, [of_task, shared]) for gate, value, of_task in zip(self.gates, values, own)]
        return mixed, gated(self.shared_gate[0], common, [*own, shared]) if self.shared_gate else None


class PLE(nn.Module):
    def __init__(self, *levels):
        super().__init__()
        self.levels = nn.ModuleList(levels)

    def forward(self, x):
        values, common = [x] * len(self.levels[0].own), x
        for level in self.levels:
            values, common = level(values, common)
        return values


def ple(channels, height, width):
    def gate(experts):
        return nn.Sequential(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), nn.Linear(channels, experts, bias=False))

    return MultiTaskNet(PLE(Level(lambda: resnet20_trunk(channels), gate)), lambda: nn.Linear(64, 10))


def ple_table(features):
    def level(inputs, outputs, last):
        return Level(lambda: nn.Sequential(nn.Linear(inputs, outputs), nn.ReLU()), lambda experts: nn.Linear(inputs, experts, bias=False),
                     last)

    return MultiTaskNet(PLE(level(features, 256, False), level(256, 64, True)), lambda: nn.Linear(64, 10))


class MMoE(nn.Module):
    def __init__(self, features, make_expert, experts=8, tasks=2):
        super().__init__()
        self.experts = nn.ModuleList(make_expert() for _ in range(experts))
        self.gates = nn.ModuleList(nn.Linear(features, experts, bias=False) for _ in range(tasks))

    def forward(self, x):
        found = [expert(x) for expert in self.experts]
        return [gated(gate, x, found) for gate in self.gates]


def mmoe(features):
    return MultiTaskNet(MMoE(features, lambda: nn.Sequential(nn.Linear(features, 16), nn.ReLU())),
                        lambda: nn.Sequential(nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 10)))


def mmoe_deep(features):
    return MultiTaskNet(MMoE(features, lambda: nn.Sequential(nn.Linear(features, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU())),
                        lambda: nn.Linear(32, 10))


class MeanOfPositions(nn.Module):
    def forward(self, x):
        return (x[0] if isinstance(x, tuple) else x).mean(1)  # recurrent layers give their last state too


def transformer(features, length, dropout=0.0):
    layer = nn.TransformerEncoderLayer(features, 4, 4 * features, dropout=dropout, batch_first=True)
    return MultiTaskNet(nn.Sequential(nn.TransformerEncoder(layer, 4, enable_nested_tensor=False), MeanOfPositions()),
                        lambda: nn.Linear(features, 10))


def transformer_dropout(features, length):
    return transformer(features, length, dropout=0.1)


def gru(features, length):
    return MultiTaskNet(nn.Sequential(nn.GRU(features, 128, batch_first=True, bidirectional=True), MeanOfPositions()),
                        lambda: nn.Linear(256, 10))


def lstm(features, length):
    return MultiTaskNet(nn.Sequential(nn.LSTM(features, 128, batch_first=True, bidirectional=True), MeanOfPositions()),
                        lambda: nn.Linear(256, 10))


class Columns(nn.ModuleList):
    def __init__(self, columns, categories):
        super().__init__(nn.Embedding(categories, 16, sparse=True) for _ in range(columns))

    def forward(self, x):
        indices = x.long()
        return torch.cat([table(indices[:, i]) for i, table in enumerate(self)], 1)


class ESMM(MultiTaskNet):
    """A click, and a click with a purchase: the product of two probabilities."""

    def __init__(self, columns, categories):
        super().__init__(Columns(columns, categories),
                         lambda: nn.Sequential(nn.Linear(16 * columns, 200), nn.ReLU(), nn.Linear(200, 80), nn.ReLU(), nn.Linear(80, 1)),
                         ("click", "purchase"))
        self.categories = categories

    def forward(self, x):
        click, purchase = (torch.sigmoid(output) for output in super().forward(x).values())
        return {"click": click, "both": click * purchase}


def esmm(columns):
    return ESMM(columns, 10_000)


def esmm_million(columns):
    return ESMM(columns, 1_000_000)


class UShape(nn.Module):
    """Down and back up; what each step down was given goes on beside what leads back to it."""

    def __init__(self, down, up):
        super().__init__()
        self.down, self.up = nn.ModuleList(down), nn.ModuleList(up)

    def forward(self, x):
        before = []
        for layer in self.down:
            before.append(x)
            x = layer(x)
        for layer in reversed(self.up):
            skip = before.pop()
            x = layer(x)
            if x.shape[2:] != skip.shape[2:]:
                x = F.interpolate(x, size=skip.shape[2:], mode="bilinear", align_corners=True)
            x = torch.cat([x, skip], 1)
        return x


def fc_hardnet70_trunk(channels):
    growths, counts, behind = (10, 16, 18, 24, 32), (4, 4, 8, 8, 8), (64, 96, 160, 224, 320)

    def conv(inputs, outputs, kernel=1, stride=1):
        return conv_norm(inputs, outputs, kernel, stride, make_activation=nn.ReLU)

    def block(inputs, level):
        return HarDBlock(inputs, growths[level], 1.7, counts[level], False, nn.ReLU)

    stem = nn.Sequential(conv(channels, 16, 3, 2), conv(16, 24, 3), conv(24, 32, 3, 2), conv(32, 48, 3))
    first = block(48, 0)
    skips, down = [first.width], []
    for level in range(1, 5):
        dense = block(behind[level - 1], level)
        down.append(nn.Sequential(conv(skips[-1], behind[level - 1]), nn.AvgPool2d(2), dense))
        skips.append(dense.width)
    down[-1].append(conv(skips[-1], behind[-1]))
    ways_up, inputs = [], behind[-1]
    for level in reversed(range(4)):
        joined = inputs + skips[level]
        dense = block(joined // 2, level)
        ways_up.append(nn.Sequential(conv(joined, joined // 2), dense))
        inputs = dense.width
    last = ways_up.pop()
    up = [*reversed(ways_up), nn.Sequential()]  # nothing where the way turns
    return nn.Sequential(stem, first, UShape(down, up), last)


def fc_hardnet70(channels, height, width):
    return MultiTaskNet(fc_hardnet70_trunk(channels), lambda: nn.Conv2d(48, 10, 1))


def conv_norm_relu(inputs, outputs, kernel, stride=1):
    return [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]


def scenes(channels, height, width, filters=32, depth=2):
    """A U-Net on a map of half the size, and the heads of examples/scenes/networks.hpp."""
    def two(inputs, outputs):
        return conv_norm_relu(inputs, outputs, 3) + conv_norm_relu(outputs, outputs, 3)

    down, up = [], []
    for level in range(depth):
        above = filters * 2**level
        down.append(nn.Sequential(nn.MaxPool2d(2), *two(above, 2 * above)))
        up.append(nn.Sequential(*([] if level + 1 == depth else two(4 * above, 2 * above)), nn.ConvTranspose2d(2 * above, above, 2, stride=2)))
    net = MultiTaskNet(nn.Sequential(*conv_norm_relu(channels, filters, 5, 2), nn.Sequential(*two(filters, filters)), UShape(down, up),
                                     nn.Sequential(*two(2 * filters, filters))), nn.Identity)

    def dense(outputs):
        return nn.Sequential(nn.Conv2d(filters, outputs, 1), nn.Upsample((height, width), mode="bilinear"))

    last = nn.Conv2d(64, 14, 1)
    nn.init.constant_(last.bias[:10], -2.19)
    nn.init.zeros_(last.bias[10:])
    objects = nn.Sequential(*conv_norm_relu(filters, 2 * filters, 3, 2), nn.Conv2d(2 * filters, 64, 3, padding=1), nn.ReLU(), last)
    net.heads = nn.ModuleDict({"segments": dense(11), "boundaries": dense(1), "depth": dense(1), "objects": objects})
    return net


NETWORKS = {make.__name__: make for make in (reference, lenet, separable, resnet20, unet, stem, mlp, odd, mix, resnet18, hardnet68,
                                             hardnet68ds, fastnet_half, cross_stitch, ple, mmoe, fc_hardnet70, scenes, mmoe_deep, ple_table,
                                             transformer, transformer_dropout, gru, lstm, esmm, esmm_million)}


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

    def count_up(layer, inputs, output):
        counts[:] = [count + 3 * output.numel() * layer.in_channels for count in counts]  # 2x2 of stride 2: each pixel has one tap

    def count_recurrent(layer, inputs, output):
        steps = output[0].shape[0] * output[0].shape[1]
        of_a_step = sum(weight.numel() for name, weight in layer.named_parameters() if name.startswith("weight"))
        into_input = 0 if inputs[0].requires_grad else sum(weight.numel() for name, weight in layer.named_parameters()
                                                           if name.startswith("weight_ih_l0"))
        counts[:] = [count + steps * (3 * of_a_step - into_input) for count in counts]

    def count_attention(layer, inputs, output):
        batch, length, width = output[0].shape
        counts[:] = [count + 3 * batch * length * (4 * width * width + 2 * length * width) for count in counts]

    hooks = [layer.register_forward_hook(count_recurrent) for layer in net.modules() if isinstance(layer, nn.RNNBase)]
    hooks += [layer.register_forward_hook(count_attention) for layer in net.modules() if isinstance(layer, nn.MultiheadAttention)]
    hooks += [layer.register_forward_hook(count) for layer in net.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]
    hooks += [layer.register_forward_hook(count_up) for layer in net.modules() if isinstance(layer, nn.ConvTranspose2d)]
    net(x)
    for hook in hooks:
        hook.remove()
    return counts
