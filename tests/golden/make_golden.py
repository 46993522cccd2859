#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the values that the tests compare with: PyTorch's results, in double, in the layouts of this library.

    pip install torch==2.13.0 numpy safetensors
    python tests/golden/make_golden.py

ops.safetensors                The metadata `cases` is a JSON object with the attributes of every case, `<operation>/<number>`.
                               Tensors `<case>/input<i>`, `/output`, `/cotangent` and, for that cotangent, `/grad<i>`.
reference_network.safetensors  The reference network in two sizes, `small` and `real`; see `reference_network` below. The
                               metadata `networks` says what they are.

Images are (N, H, W, C), convolution weights (O, KH, KW, I / groups), classes lie on the last axis. Nothing is random but
for fixed seeds: a second run writes the same bytes.
"""

import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

FOLDER = pathlib.Path(__file__).resolve().parent
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

rng = np.random.default_rng(20240611)
tensors = {}
cases = {}
counts = {}


def normal(*shape):
    return rng.standard_normal(shape)


def positive(*shape):
    return rng.uniform(0.3, 3.0, shape)


def apart(*shape):
    """Values whose distances are at least 0.02, none near 0: no ties for a maximum, no kink at 0."""
    n = int(np.prod(shape))
    values = (rng.permutation(n) - n // 2 + 0.5) * 0.05 + rng.uniform(-0.01, 0.01, n)
    return values.reshape(shape)


def images(x):
    """(N, H, W, C) to PyTorch's (N, C, H, W)."""
    return x.permute(0, 3, 1, 2)


def channels_last(x):
    return x.permute(0, 2, 3, 1)


def case(name, inputs, function, **attributes):
    """`function(*tensors)` takes and gives this library's layouts; what it does inside is autograd's business."""
    number = counts.get(name, 0)
    counts[name] = number + 1
    key = f"{name}/{number}"
    leaves = [torch.tensor(x, requires_grad=True) for x in inputs]
    output = function(*leaves)
    cotangent = torch.tensor(rng.standard_normal(tuple(output.shape)))
    gradients = torch.autograd.grad(output, leaves, cotangent)
    cases[key] = attributes
    for i, (leaf, gradient) in enumerate(zip(leaves, gradients)):
        tensors[f"{key}/input{i}"] = leaf.detach().numpy()
        tensors[f"{key}/grad{i}"] = gradient.numpy()
    tensors[f"{key}/output"] = output.detach().numpy()
    tensors[f"{key}/cotangent"] = cotangent.numpy()
    return key


def keep(name, value):
    tensors[name] = np.asarray(value)


# Arithmetic and elementary functions.
for a, b in [((2, 3, 4), (2, 3, 4)), ((2, 3, 4), (4,)), ((2, 1, 4), (3, 1)), ((5,), (2, 1, 1)), ((), (3, 2))]:
    case("add", [normal(*a), normal(*b)], torch.add)
    case("subtract", [normal(*a), normal(*b)], torch.sub)
    case("multiply", [normal(*a), normal(*b)], torch.mul)
    case("divide", [normal(*a), positive(*b)], torch.div)
for shape, number in [((2, 3), 1.75), ((7,), -0.3), ((1, 4, 2), 2.0)]:
    case("scale", [normal(*shape)], lambda x: x * number, number=number)
    case("shift", [normal(*shape)], lambda x: x + number, number=number)
    case("minus_number", [normal(*shape)], lambda x: x - number, number=number)
    case("number_minus", [normal(*shape)], lambda x: number - x, number=number)
    case("over_number", [normal(*shape)], lambda x: x / number, number=number)
    case("negate", [normal(*shape)], torch.neg)
    case("exp", [normal(*shape)], torch.exp)
    case("log", [positive(*shape)], torch.log)
    case("sqrt", [positive(*shape)], torch.sqrt)
    case("relu", [apart(*shape)], torch.relu)
    case("leaky_relu", [apart(*shape)], lambda x: F.leaky_relu(x, 0.2), slope=0.2)
    case("sigmoid", [5 * normal(*shape)], torch.sigmoid)
    case("tanh", [2 * normal(*shape)], torch.tanh)
    case("gelu", [2 * normal(*shape)], F.gelu)
case("sigmoid", [np.array([-40.0, -1.0, 0.0, 30.0])], torch.sigmoid)
case("gelu", [np.array([-6.0, -1.0, 0.0, 6.0])], F.gelu)

# Matrix products.
for a, b in [((3, 4), (4, 5)), ((2, 3, 4), (2, 4, 2)), ((2, 3, 4), (4, 3)), ((1, 6), (6, 1)), ((2, 2, 3, 1), (2, 2, 1, 3))]:
    case("matmul", [normal(*a), normal(*b)], torch.matmul)
for x, out in [((4, 6), 5), ((2, 3, 7), 2), ((1, 1), 3), ((9,), 4)]:
    case("linear", [normal(*x), normal(out, x[-1]), normal(out)], F.linear)
    case("linear", [normal(*x), normal(out, x[-1])], F.linear)

# Convolution: image (N, H, W, C), filters (O, KH, KW), options.
for x, w, bias, options in [
    ((2, 5, 6, 3), (4, 3, 3), True, {"padding": [1, 1]}),
    ((1, 7, 5, 4), (6, 3, 2), True, {"stride": [2, 1], "padding": [1, 2], "dilation": [1, 2], "groups": 2}),
    ((3, 4, 4, 2), (3, 1, 1), True, {}),
    ((2, 6, 1, 1), (2, 4, 1), False, {"stride": [2, 3]}),
    ((2, 5, 5, 3), (3, 3, 3), False, {"groups": 3, "padding": [1, 0]}),
    ((1, 3, 4, 5), (1, 3, 4), False, {}),
    ((2, 4, 5, 4), (6, 1, 1), False, {"groups": 2, "stride": [2, 2]}),
]:
    groups = options.get("groups", 1)
    arrays = [normal(*x), normal(w[0], w[1], w[2], x[3] // groups)] + ([normal(w[0])] if bias else [])
    case("conv2d", arrays,
         lambda x, w, *b: channels_last(F.conv2d(images(x), images(w), *b, **{k: tuple(v) if isinstance(v, list) else v
                                                                             for k, v in options.items()})), **options)

# Pooling.
for x, kernel, stride, padding in [((2, 4, 6, 3), (2, 2), None, (0, 0)), ((1, 5, 7, 2), (3, 2), (2, 1), (1, 1)),
                                   ((2, 3, 3, 1), (3, 3), (1, 2), (1, 0)), ((1, 1, 4, 2), (1, 2), (1, 3), (0, 1))]:
    options = {"kernel": list(kernel), "padding": list(padding)} | ({"stride": list(stride)} if stride else {})
    case("max_pool2d", [apart(*x)], lambda x: channels_last(F.max_pool2d(images(x), kernel, stride, padding)), **options)
    case("avg_pool2d", [normal(*x)], lambda x: channels_last(F.avg_pool2d(images(x), kernel, stride, padding)), **options)
    case("global_avg_pool2d", [normal(*x)], lambda x: F.adaptive_avg_pool2d(images(x), 1).flatten(1))

# Softmax.
for shape in [(3, 5), (2, 3, 4), (6,), (4, 1)]:
    case("softmax", [3 * normal(*shape)], lambda x: torch.softmax(x, -1))
    case("log_softmax", [3 * normal(*shape)], lambda x: torch.log_softmax(x, -1))
case("softmax", [np.array([[1000.0, 999.0, -1000.0]])], lambda x: torch.softmax(x, -1))
case("log_softmax", [np.array([[1000.0, 999.0, -1000.0]])], lambda x: torch.log_softmax(x, -1))

# Normalisation. Two rows with a small epsilon would be mostly cancellation: PyTorch's own floats are 3e-5 off there.
for shape, momentum, epsilon in [((6, 3), 0.1, 1e-5), ((2, 3, 4, 2), 0.3, 1e-3), ((2, 5), 0.0, 0.1), ((1, 4, 1, 3), 1.0, 1e-5)]:
    c = shape[-1]
    start_mean, start_variance = normal(c), positive(c)
    for training in (True, False):
        mean, variance = torch.tensor(start_mean), torch.tensor(start_variance)

        def batch_norm(x, w, b):
            y = F.batch_norm(x.reshape(-1, c), mean, variance, w, b, training, momentum, epsilon)
            return y.reshape(x.shape)

        key = case("batch_norm_training" if training else "batch_norm_evaluation", [normal(*shape), normal(c), normal(c)], batch_norm,
                   running_mean=start_mean.tolist(), running_variance=start_variance.tolist(), momentum=momentum, epsilon=epsilon)
        if training:
            keep(f"{key}/running_mean", mean.numpy())
            keep(f"{key}/running_variance", variance.numpy())
    case("layer_norm", [normal(*shape), normal(c), normal(c)], lambda x, w, b: F.layer_norm(x, (c,), w, b, epsilon), epsilon=epsilon)


def philox(seed, counter):
    """Philox4x32-10 (Salmon et al., 2011), to make the masks of dropout independently of the library."""
    key0, key1 = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        p0, p1 = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = [(p1 >> 32) ^ counter[1] ^ key0, p1 & 0xFFFFFFFF, (p0 >> 32) ^ counter[3] ^ key1, p0 & 0xFFFFFFFF]
        key0, key1 = (key0 + 0x9E3779B9) & 0xFFFFFFFF, (key1 + 0xBB67AE85) & 0xFFFFFFFF
    return counter


def uniform(seed, stream, position, i):
    """Of a draw's four words, elements 64 g + k, + 16, + 32 and + 48 take one each."""
    draw, word = position + i // 64 * 16 + i % 16, i % 64 // 16
    return philox(seed, [draw & 0xFFFFFFFF, draw >> 32, stream & 0xFFFFFFFF, stream >> 32])[word] * 2.0**-32


for shape, p, seed, stream, position in [((4, 5), 0.5, 1, 0, 0), ((3, 1, 7), 0.2, 12345678901, 3, 1000), ((6,), 0.9, 7, 1, 2**32 - 3)]:
    n = int(np.prod(shape))
    mask = torch.tensor([0.0 if uniform(seed, stream, position, i) < p else 1 / (1 - p) for i in range(n)]).reshape(shape)
    case("dropout", [normal(*shape)], lambda x: x * mask, p=p, seed=seed, stream=stream, position=position)

# Moving elements.
for shape, to in [((2, 6), (3, 4)), ((4,), (2, 1, 2)), ((1, 2, 3), (6,))]:
    case("reshape", [normal(*shape)], lambda x: x.reshape(to), shape=list(to))
for shape, first in [((2, 3, 4, 2), 1), ((2, 3, 4), 0), ((2, 1, 3), 2)]:
    case("flatten", [normal(*shape)], lambda x: x.flatten(first), first=first)
for shape, axis, start, length in [((5, 2), 0, 1, 3), ((2, 3, 4), -1, 0, 2), ((2, 3, 4), 1, 2, 1)]:
    case("narrow", [normal(*shape)], lambda x: x.narrow(axis, start, length), axis=axis, start=start, length=length)
for shape, axis, sizes in [((6, 2), 0, [1, 2, 3]), ((2, 5, 3), 1, [4, 1]), ((2, 3), -1, [3])]:
    case("split", [normal(*shape)], lambda x: torch.cat(torch.split(x, sizes, axis)[::-1], axis), axis=axis, sizes=sizes)
for shapes, axis in [([(2, 3), (1, 3), (4, 3)], 0), ([(2, 3, 2), (2, 1, 2)], 1), ([(2, 2)], -1)]:
    case("cat", [normal(*s) for s in shapes], lambda *x: torch.cat(x, axis), axis=axis)

# Reductions.
for shape in [(3, 4), (7,), (2, 1, 3, 2), ()]:
    case("sum", [normal(*shape)], torch.sum)
    case("mean", [normal(*shape)], torch.mean)
for shape, axis, keep_axis in [((3, 4), 0, False), ((2, 3, 4), 1, True), ((2, 3, 4), -1, False), ((5,), 0, False), ((2, 1, 3), 1, True)]:
    options = {"axis": axis, "keep_axis": keep_axis}
    case("sum_axis", [normal(*shape)], lambda x: torch.sum(x, axis, keepdim=keep_axis), **options)
    case("mean_axis", [normal(*shape)], lambda x: torch.mean(x, axis, keepdim=keep_axis), **options)
    case("max_axis", [apart(*shape)], lambda x: torch.max(x, axis, keepdim=keep_axis).values, **options)

# Embedding and resizing.
for weight, indices in [((5, 3), [4]), ((4, 2), [[0, 1], [1, 3]]), ((2, 1), [[[1], [0], [1]]])]:
    table = torch.tensor(indices)
    case("embedding", [normal(*weight)], lambda w: F.embedding(table, w), indices=table.flatten().tolist(), shape=list(table.shape))
for shape, size in [((2, 3, 4, 2), (6, 8)), ((1, 2, 2, 3), (5, 3)), ((2, 1, 3, 1), (2, 1)), ((1, 5, 4, 2), (3, 7))]:
    case("upsample_nearest2d", [normal(*shape)], lambda x: channels_last(F.interpolate(images(x), size, mode="nearest")), size=list(size))
    for corners in (False, True):
        case("upsample_bilinear2d", [normal(*shape)],
             lambda x: channels_last(F.interpolate(images(x), size, mode="bilinear", align_corners=corners)),
             size=list(size), align_corners=corners)

# Losses. `mask` says which samples are labelled; those that are not are left out of PyTorch's input.
REDUCTIONS = ["mean", "sum", "none"]


def masked(function, x, target, mask, reduction):
    if mask is None:
        return function(x, target, reduction=reduction)
    index = torch.tensor(mask).bool()
    if reduction != "none":
        return function(x[index], target[index], reduction=reduction)
    loss = function(x, target, reduction="none")
    return torch.where(index.reshape([-1] + [1] * (loss.dim() - 1)), loss, torch.zeros(()))


for i, (shape, options) in enumerate([
    ((4, 3), {}),
    ((5, 4), {"weight": [0.5, 2.0, 1.0, 0.0], "ignore_index": 2}),
    ((6, 3), {"label_smoothing": 0.1, "mask": [1, 0, 1, 1, 0, 1]}),
    ((2, 3, 2, 4), {"label_smoothing": 0.3, "weight": [1.0, 0.2, 0.7, 3.0], "ignore_index": 1}),
    ((3, 2, 5), {"mask": [0, 1, 1]}),
    ((3, 1), {}),
]):
    labels = torch.tensor(rng.integers(0, shape[-1], shape[:-1]))
    labels.view(-1)[0] = 0  # at least one that is not ignored

    for number, reduction in enumerate(REDUCTIONS):
        def cross_entropy(x, y, reduction):
            return F.cross_entropy(x.movedim(-1, 1), y, weight=torch.tensor(options["weight"]) if "weight" in options else None,
                                   ignore_index=options.get("ignore_index", -100),
                                   label_smoothing=options.get("label_smoothing", 0.0), reduction=reduction)

        case("cross_entropy", [2 * normal(*shape)], lambda x: masked(cross_entropy, x, labels, options.get("mask"), reduction),
             labels=labels.flatten().tolist(), reduction=number, **options)

for shape, mask, weight in [((4,), None, None), ((3, 2), [1, 0, 1], [0.5, 3.0]), ((2, 3, 2), None, [2.0]), ((4, 1), [0, 1, 1, 1], None)]:
    options = {"mask": mask} if mask else {}
    for number, reduction in enumerate(REDUCTIONS):
        labels = torch.tensor(rng.integers(0, 2, shape).astype(float))
        pos = torch.tensor(weight) if weight else None
        case("binary_cross_entropy_with_logits", [4 * normal(*shape)],
             lambda x: masked(lambda x, y, reduction: F.binary_cross_entropy_with_logits(x, y, pos_weight=pos, reduction=reduction),
                              x, labels, mask, reduction),
             values=labels.flatten().tolist(), reduction=number, **options, **({"pos_weight": weight} if weight else {}))
        values = torch.tensor(normal(*shape))
        x = values.numpy() + apart(*shape) * 10
        plain = {"values": values.flatten().tolist(), "reduction": number} | options
        case("mse_loss", [x], lambda x: masked(F.mse_loss, x, values, mask, reduction), **plain)
        case("l1_loss", [x], lambda x: masked(F.l1_loss, x, values, mask, reduction), **plain)
        case("huber_loss", [x], lambda x: masked(lambda x, y, reduction: F.huber_loss(x, y, reduction=reduction, delta=0.7),
                                                 x, values, mask, reduction), delta=0.7, **plain)

# Convolution with what may follow it in the same pass.
for x, w, bias, options in [
    ((2, 6, 8, 3), (20, 3, 3), True, {"padding": [1, 1]}),
    ((1, 9, 7, 4), (6, 3, 2), True, {"stride": [2, 1], "padding": [1, 2], "groups": 2}),
    ((3, 5, 5, 2), (35, 2, 2), False, {}),
]:
    arrays = [normal(*x), normal(w[0], w[1], w[2], x[3] // options.get("groups", 1))] + ([normal(w[0])] if bias else [])

    def conv2d_relu(x, w, *b):
        return F.relu(F.conv2d(images(x), images(w), *b, **{k: tuple(v) if isinstance(v, list) else v for k, v in options.items()}))

    case("conv2d_relu", arrays, lambda *a: channels_last(conv2d_relu(*a)), **options)
    case("conv2d_relu_max_pool2d", arrays, lambda *a: channels_last(F.max_pool2d(conv2d_relu(*a), 2)), **options)


# A linear layer with the ReLU after it.
for x, out in [((4, 6), 5), ((2, 3, 40), 9), ((9,), 4)]:
    case("linear_relu", [normal(*x), normal(out, x[-1]), normal(out)], lambda *a: F.relu(F.linear(*a)))
    case("linear_relu", [normal(*x), normal(out, x[-1])], lambda *a: F.relu(F.linear(*a)))

# What adds the losses of the tasks.
for shape, count in [((), 2), ((), 1), ((2, 3), 3)]:
    case("weighted_sum", [normal(*shape) for _ in range(count)], lambda *a: sum((1.5 - i) * x for i, x in enumerate(a)))

# What gates make of experts: weights of all samples, or of each.
for shape, count in [((), 1), ((2, 3), 3), ((2, 2, 3), 2)]:
    case("mix", [normal(*shape) for _ in range(count)] + [normal(count)], lambda *a: sum(w * x for w, x in zip(a[-1], a)))
for shape, count in [((4,), 2), ((3, 5), 3), ((2, 3, 2), 1)]:
    case("mix", [normal(*shape) for _ in range(count)] + [normal(shape[0], count)],
         lambda *a: sum(a[-1][:, i].reshape([-1] + [1] * (a[0].dim() - 1)) * a[i] for i in range(len(a) - 1)))

# The grid of `apart` in steps of 3, on both sides of 0 and of 6.
for shape in [(2, 3), (7,), (1, 4, 2)]:
    case("relu6", [60 * apart(*shape)], F.relu6)

# The product of two probabilities as logits: both sides of 0, equal ones, and some whose sigmoid is 0 or 1.
for a, b in [(normal(2, 3), normal(2, 3)), (normal(), normal()),
             (np.array([3.0, -3, 0, 40, 40, -40, 700]), np.array([3.0, -3, 0, 39, -40, -30, -2]))]:
    case("logit_product", [a, b], lambda a, b: -torch.logsumexp(torch.stack([-a, -b, -a - b]), 0))


# Parts of different lengths of the first axis, an empty one among them: bags of which element i is row i.
for shape, lengths in [((6, 3), [2, 0, 3, 1]), ((4,), [4]), ((3, 2, 2), [0, 3])]:
    starts = torch.tensor([sum(lengths[:i]) for i in range(len(lengths))])
    for mode in ("sum", "mean"):
        case(f"segment_{mode}", [normal(*shape)],
             lambda x: F.embedding_bag(torch.arange(len(x)), x.reshape(len(x), -1), starts, mode=mode).reshape(-1, *x.shape[1:]),
             lengths=lengths)

# A scale and a shift of each channel of each sample, channels last.
for shape in [(2, 3, 4, 5), (3, 17), (2, 6, 1)]:
    channels = (shape[0], shape[-1])
    case("film", [normal(*shape), normal(*channels), normal(*channels)],
         lambda x, a, b: torch.einsum("n...c,nc->n...c", x, a) + torch.einsum("n...c,nc->n...c", torch.ones_like(x), b))


def save(name, arrays, note, content):
    """One metadata entry only: the writer puts several into random order."""
    path = FOLDER / name
    save_file({k: np.asarray(v, order="C") for k, v in arrays.items()}, path, metadata={note: json.dumps(content, sort_keys=True)})
    path.chmod(0o644)


# Batch normalisation with what follows it in one pass. Nothing near the corner of ReLU, where a rounding would decide.
for shape, training, summand in [((6, 3), True, False), ((2, 3, 4, 2), True, True), ((5, 2, 3), False, True), ((2, 4, 1, 3), False, False),
                                 ((3, 7), True, True), ((2, 3, 2, 4), True, False)]:
    c = shape[-1]
    while True:
        arrays = [normal(*shape), normal(c), normal(c)] + ([normal(*shape)] if summand else [])
        start_mean, start_variance = normal(c), positive(c)

        def before_relu(x, w, b, *z):
            y = F.batch_norm(x.reshape(-1, c), torch.tensor(start_mean), torch.tensor(start_variance), w, b, training, 0.1, 1e-3)
            return sum(z, y.reshape(x.shape))

        if before_relu(*map(torch.tensor, arrays)).abs().min() > 0.02:
            break
    case("batch_norm_add_relu" if summand else "batch_norm_relu", arrays, lambda *a: F.relu(before_relu(*a)), training=[float(training)],
         running_mean=start_mean.tolist(), running_variance=start_variance.tolist(), momentum=0.1, epsilon=1e-3)

save("ops.safetensors", tensors, "cases", cases)


# The reference network.

def hashed(n, salt):
    """n numbers in [-1, 1) from integer arithmetic alone, which every language does alike: nothing random need be stored."""
    x = (np.arange(n, dtype=np.uint64) + np.uint64(salt) * np.uint64(1000003)) * np.uint64(2654435761) % np.uint64(2**32)
    x ^= x >> np.uint64(16)
    x = x * np.uint64(0x45D9F3B) % np.uint64(2**32)
    x ^= x >> np.uint64(16)
    return x.astype(np.float64) / 2.0**31 - 1


def reference_network(name, channels, width, side, stride, out):
    """Three 3x3 convolutions with padding 1, each with ReLU and 2x2 max pooling, a wide Linear with ReLU, two heads of ten
    classes; batch of 4; loss the sum of two cross-entropies.

    Parameter number k (in the order of `parameters` below) starts as hashed(n, k + 1) / sqrt(fan_in); the input is
    hashed(n, 0), label i of the left task 3 i % 10, of the right one (7 i + 2) % 10. Stored are entries 0, stride,
    2 stride, ... of each parameter's gradient, and of its value after three steps of SGD with momentum 0.9 under two
    learning rates; the logits and losses whole.
    """
    batch, classes = 4, 10
    c1, c2, c3 = channels
    flat = c3 * (side // 8) ** 2
    parameters = {
        "trunk.0.weight": (c1, 3, 3, 1), "trunk.0.bias": (c1,), "trunk.3.weight": (c2, 3, 3, c1), "trunk.3.bias": (c2,),
        "trunk.6.weight": (c3, 3, 3, c2), "trunk.6.bias": (c3,), "trunk.10.weight": (width, flat), "trunk.10.bias": (width,),
        "heads.left.weight": (classes, width), "heads.left.bias": (classes,),
        "heads.right.weight": (classes, width), "heads.right.bias": (classes,),
    }
    start = {}
    fan_in = 1
    for k, (path, shape) in enumerate(parameters.items()):
        if len(shape) > 1:
            fan_in = int(np.prod(shape[1:]))  # a bias has that of its weights
        start[path] = (hashed(int(np.prod(shape)), k + 1) / np.sqrt(float(fan_in))).reshape(shape)
    image = torch.tensor(hashed(batch * side * side, 0).reshape(batch, side, side, 1))
    labels = {"left": torch.arange(batch) * 3 % classes, "right": (torch.arange(batch) * 7 + 2) % classes}

    def forward(p):
        x = images(image)
        for layer in ("0", "3", "6"):
            x = F.conv2d(x, images(p[f"trunk.{layer}.weight"]), p[f"trunk.{layer}.bias"], padding=1)
            x = F.max_pool2d(F.relu(x), 2)
        # The columns of the first Linear are in (h, w, c) order here.
        x = F.relu(F.linear(channels_last(x).flatten(1), p["trunk.10.weight"], p["trunk.10.bias"]))
        return {task: F.linear(x, p[f"heads.{task}.weight"], p[f"heads.{task}.bias"]) for task in labels}

    for rate in ("0.001", "0.05"):
        p = {path: torch.tensor(value, requires_grad=True) for path, value in start.items()}
        sgd = torch.optim.SGD(p.values(), lr=float(rate), momentum=0.9)
        for step in range(3):
            outputs = forward(p)
            losses = {task: F.cross_entropy(outputs[task], labels[task]) for task in labels}
            sgd.zero_grad()
            sum(losses.values()).backward()
            if step == 0 and rate == "0.001":
                for task in labels:
                    out[f"{name}/logits/{task}"] = outputs[task].detach().numpy()
                    out[f"{name}/loss/{task}"] = losses[task].detach().numpy()
                out[f"{name}/loss"] = sum(losses.values()).detach().numpy()
                for path in p:
                    out[f"{name}/gradient/{path}"] = p[path].grad.numpy().flatten()[::stride].copy()
            sgd.step()
        for path in p:
            out[f"{name}/after/{rate}/{path}"] = p[path].detach().numpy().flatten()[::stride].copy()
    return {"channels": channels, "width": width, "side": side, "stride": stride}


network = {}
sizes = {"small": reference_network("small", [8, 12, 16], 32, 24, 1, network),
         "real": reference_network("real", [32, 64, 128], 1024, 16, 61, network)}
save("reference_network.safetensors", network, "networks", sizes)
