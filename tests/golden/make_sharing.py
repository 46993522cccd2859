#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Ways of sharing in PyTorch, from their papers' formulas: values and gradients of small networks of two tasks.

    pip install torch==2.13.0 numpy safetensors
    python3 make_sharing.py

Writes sharing.safetensors: of each way the outputs of its heads, two but for pad_net, and the gradient of the sum of their squares and of
the way's penalty on all parameters, side by side. Parameters and input are sines of their place among all, in the order in which the
library shows them. Of the losses of ESMM and ESCM2 the values and gradients, for logits that are sines.
"""
import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file
from sines import Sines

torch.set_default_dtype(torch.float64)
TASKS, INPUTS, WIDTH, SAMPLES = 2, 3, 4, 5
kept = {}


class Parameters(Sines):
    def linear(self, inputs, outputs, bias=True):
        weight = self.take(outputs, inputs)
        shift = self.take(outputs) if bias else None
        return lambda x: torch.nn.functional.linear(x, weight, shift)

    def network(self, inputs=INPUTS):
        """Linear, tanh, Linear, as three stages."""
        first, second = self.linear(inputs, WIDTH), self.linear(WIDTH, WIDTH)
        return [first, torch.tanh, second]


def run(stages, x):
    for stage in stages:
        x = stage(x)
    return x


def gated(gate, x, experts):
    shares = torch.softmax(gate(x), -1)
    return torch.einsum("ne,enc->nc", shares, torch.stack(experts))


def case(name, make):
    parameters = Parameters()
    features = make(parameters)
    heads = [parameters.linear(WIDTH, 2), parameters.linear(WIDTH, 1)] + ([parameters.linear(WIDTH, 2)] if name == "pad_net" else [])
    x = torch.tensor(np.cos(0.9 * np.arange(SAMPLES * INPUTS)).reshape(SAMPLES, INPUTS))
    outputs = [head(feature) for head, feature in zip(heads, features(x), strict=True)]
    penalty = features.penalty(x) if hasattr(features, "penalty") else torch.zeros(())
    loss = sum((output**2).sum() for output in outputs) + penalty
    gradients = torch.autograd.grad(loss, parameters.all)
    for letter, output in zip("abc", outputs):
        kept[f"{name}/{letter}"] = output.detach().numpy()
    kept[f"{name}/penalty"] = penalty.detach().numpy().reshape(1)
    kept[f"{name}/gradients"] = np.concatenate([gradient.numpy().ravel() for gradient in gradients])


def separate(p):
    networks = [p.network() for _ in range(TASKS)]
    return lambda x: [run(network, x) for network in networks]


def soft(p, attraction):
    networks = [p.network() for _ in range(TASKS)]
    own = p.all[:]

    def penalty(x):
        of_tasks = [own[i * len(own) // TASKS:(i + 1) * len(own) // TASKS] for i in range(TASKS)]
        return 0.3 * sum(attraction(torch.stack([value.reshape(-1) for value in values])) for values in zip(*of_tasks))

    def features(x):
        return [run(network, x) for network in networks]
    features.penalty = penalty
    return features


def soft_sharing(p):
    return soft(p, lambda rows: 0.5 * ((rows[0] - rows[1])**2).sum())


def trace_norm(p):
    return soft(p, lambda rows: torch.linalg.svdvals(rows).sum())


def cross_stitch(p):
    columns = [p.network() for _ in range(TASKS)]
    units = [p.take(TASKS, TASKS) for _ in range(2)]  # after the second layer, and after the third

    def features(x):
        found = [run(column[:2], x) for column in columns]
        found = [sum(units[0][i, j] * found[j] for j in range(TASKS)) for i in range(TASKS)]
        found = [column[2](value) for column, value in zip(columns, found)]
        return [sum(units[1][i, j] * found[j] for j in range(TASKS)) for i in range(TASKS)]
    return features


def sluice(p):
    columns = [p.network() for _ in range(TASKS)]
    weights = [(p.all[4 * i], p.all[4 * i + 2]) for i in range(TASKS)]
    alphas = [p.take(2 * TASKS, 2 * TASKS) for _ in range(2)]  # after the second layer, and after the third
    betas = p.take(TASKS, 2)

    def penalty(x):
        halves = [weight.chunk(2) for of_column in weights for weight in of_column]
        return 0.3 * sum(torch.linalg.matrix_norm(first @ second.T)**2 for first, second in halves)

    def exchange(alpha, found):
        parts = torch.stack([part for value in found for part in value.chunk(2, -1)])  # A1, A2, B1, B2
        mixed = torch.einsum("ij,jnc->inc", alpha, parts)
        return [torch.cat([mixed[2 * i], mixed[2 * i + 1]], -1) for i in range(TASKS)]

    def features(x):
        first = exchange(alphas[0], [run(column[:2], x) for column in columns])
        second = exchange(alphas[1], [column[2](value) for column, value in zip(columns, first)])
        return [betas[i, 0] * first[i] + betas[i, 1] * second[i] for i in range(TASKS)]
    features.penalty = penalty
    return features


def nddr(p):
    columns = [p.network() for _ in range(TASKS)]
    fusions = [p.linear(TASKS * WIDTH, WIDTH, bias=False) for _ in range(TASKS)]
    norms = [(p.take(WIDTH), p.take(WIDTH)) for _ in range(TASKS)]

    def features(x):  # after the first layer
        together = torch.cat([column[0](x) for column in columns], -1)
        found = [torch.nn.functional.batch_norm(fusion(together), None, None, weight, bias, training=True)
                 for fusion, (weight, bias) in zip(fusions, norms)]
        return [run(column[1:], value) for column, value in zip(columns, found)]
    return features


def mmoe(p):
    experts = [p.network() for _ in range(3)]
    gates = [p.linear(INPUTS, 3, bias=False) for _ in range(TASKS)]
    return lambda x: [gated(gate, x, [run(expert, x) for expert in experts]) for gate in gates]


def entropy(r):
    return -torch.where(r > 0, r * torch.log(torch.where(r > 0, r, torch.ones_like(r))), torch.zeros_like(r)).sum(-1)


def dselect(p, samples):
    """k = 2 of 4 experts with gamma = 2, z and a of each sample or the same for all."""
    experts = [p.network() for _ in range(4)]
    gates = [(p.take(4, INPUTS), p.take(2, INPUTS)) if samples else (p.take(2, 2), p.take(2)) for _ in range(TASKS)]

    def choices(gate, x):
        z = (x @ gate[0].T if samples else gate[0]).reshape(-1, 2, 2)
        step = torch.where(z <= -1, 0.0, torch.where(z >= 1, 1.0, -z**3 / 4 + 3 * z / 4 + 0.5))
        return torch.stack([torch.stack([step[..., bit] if expert >> bit & 1 else 1 - step[..., bit] for bit in range(2)]).prod(0)
                            for expert in range(4)], -1)  # (N or 1, selectors, experts)

    def features(x):
        found = torch.stack([run(expert, x) for expert in experts])
        shares = [torch.einsum("nk,nke->ne", torch.softmax((x @ gate[1].T if samples else gate[1]).reshape(-1, 2), -1),
                               choices(gate, x)).expand(len(x), 4) for gate in gates]
        return [torch.einsum("ne,enc->nc", share, found) for share in shares]
    features.penalty = lambda x: 0.3 * sum(entropy(choices(gate, x)).sum(-1).mean() for gate in gates)
    return features


def dselect_k(p):
    return dselect(p, True)


def dselect_k_static(p):
    return dselect(p, False)


def mtan(p):
    trunk = p.network()
    masks, carries = [p.linear(WIDTH, WIDTH) for _ in range(TASKS)], [p.linear(WIDTH, WIDTH) for _ in range(TASKS)]
    last_masks = [p.linear(2 * WIDTH, WIDTH) for _ in range(TASKS)]

    def features(x):
        read = trunk[0](x)
        found = trunk[1](read)
        values = [carry(torch.sigmoid(mask(read)) * found) for mask, carry in zip(masks, carries)]
        last = trunk[2](found)
        return [torch.tanh(torch.sigmoid(mask(torch.cat([found, value], -1))) * last) for mask, value in zip(last_masks, values)]
    return features


def ltb(p):
    columns = [p.network() for _ in range(TASKS)]
    branches = [p.take(TASKS, TASKS) for _ in range(2)]  # after the second layer, and after the third

    def choose(scores, found):
        return torch.unbind(torch.einsum("ji,inc->jnc", torch.softmax(scores / 0.5, -1), torch.stack(found)))

    def features(x):
        found = choose(branches[0], [run(column[:2], x) for column in columns])
        return choose(branches[1], [column[2](value) for column, value in zip(columns, found)])
    return features


def squared_variation(of_samples):
    sums = of_samples.sum(0)
    return sums.var(unbiased=False) / sums.mean()**2


def top_k(p):
    experts = [p.network() for _ in range(3)]
    weights = [p.take(3, INPUTS) for _ in range(TASKS)]

    def shares(weight, x):
        scores = x @ weight.T
        kept = torch.full_like(scores, -torch.inf).scatter(1, scores.topk(2).indices, scores.topk(2).values)
        return torch.softmax(kept, -1)

    def features(x):
        found = torch.stack([run(expert, x) for expert in experts])
        return [torch.einsum("ne,enc->nc", shares(weight, x), found) for weight in weights]
    features.penalty = lambda x: 0.4 * sum(squared_variation(shares(weight, x)) for weight in weights)
    return features


def ple(p):
    def level(inputs, last):
        own = [[p.network(inputs)], [p.network(inputs), p.network(inputs)]]
        shared = [p.network(inputs)]
        gates = [p.linear(inputs, 2), p.linear(inputs, 3)]
        return own, shared, gates, None if last else p.linear(inputs, 4)

    levels = [level(INPUTS, False), level(WIDTH, True)]

    def features(x):
        values, common = [x] * TASKS, x
        for own, shared, gates, shared_gate in levels:
            of_all = [run(expert, common) for expert in shared]
            of_tasks = [[run(expert, value) for expert in experts] for experts, value in zip(own, values)]
            values = [gated(gate, value, found + of_all) for gate, value, found in zip(gates, values, of_tasks)]
            if shared_gate:
                common = gated(shared_gate, common, sum(of_tasks, []) + of_all)
        return values
    return features


def aitm(p):
    towers = [p.network() for _ in range(TASKS)]
    info = p.linear(WIDTH, WIDTH)
    query, key, value = (p.linear(WIDTH, WIDTH, bias=False) for _ in range(3))

    def features(x):
        first, own = (run(tower, x) for tower in towers)
        both = torch.stack([own, info(first)], 1)  # (N, 2, WIDTH)
        shares = torch.softmax((query(both) * key(both)).sum(-1) / WIDTH**0.5, 1)
        return [first, (shares[:, :, None] * value(both)).sum(1)]
    return features


def related_towers(p):
    towers = [p.network() for _ in range(TASKS)]
    relations = [p.linear(WIDTH, WIDTH), p.linear(2 * WIDTH, WIDTH)]

    def features(x):
        first = relations[0](run(towers[0], x))
        return [first, relations[1](torch.cat([run(towers[1], x), first], -1))]
    return features


def pad_net(p):
    networks = [p.network() for _ in range(TASKS)]
    gate, message = p.linear(WIDTH, WIDTH), p.linear(WIDTH, WIDTH)

    def features(x):
        first, second = (run(network, x) for network in networks)
        return [first + torch.sigmoid(gate(first)) * message(second), first, second]
    return features


def entire_space():
    """For a click, a purchase after it and an imputed error of six samples; only the purchases after a click are known."""
    logits = [torch.tensor(2 * np.sin(1.3 * np.arange(6) + k), requires_grad=True) for k in range(3)]
    clicked, bought = torch.tensor([1.0, 0, 1, 1, 0, 1]), torch.tensor([1.0, 0, 0, 1, 0, 0])
    click, purchase = torch.sigmoid(logits[0]), torch.sigmoid(logits[1])
    propensity = click.detach().clamp(min=0.3)
    error = torch.nn.functional.binary_cross_entropy(purchase, bought, reduction="none")
    rest, of_imputation = error - logits[2], error.detach() - logits[2]
    losses = {"product": torch.nn.functional.binary_cross_entropy(click * purchase, bought),
              "inverse_propensity": (clicked * error / propensity).mean(),
              "doubly_robust": (logits[2] + clicked * rest / propensity + clicked * of_imputation**2 / propensity).mean()}
    for name, loss in losses.items():
        kept[f"{name}/loss"] = loss.detach().numpy().reshape(1)
        gradients = torch.autograd.grad(loss, logits, retain_graph=True, materialize_grads=True)
        kept[f"{name}/gradients"] = torch.cat(gradients).numpy()


def task_norms(p):
    first = p.linear(INPUTS, WIDTH)
    norms = [(p.take(WIDTH), p.take(WIDTH)) for _ in range(TASKS)]
    second = p.linear(WIDTH, WIDTH)
    return lambda x: [second(torch.tanh(torch.nn.functional.batch_norm(first(x), None, None, weight, bias, training=True)))
                      for weight, bias in norms]


def mtlora(p, add_shared):
    """Rank 2 on both layers, scales 0.5 of the shared and 0.7 of the tasks' adapters."""
    def low_rank(inputs):
        a, b = p.take(2, inputs), p.take(WIDTH, 2)
        return lambda x: x @ a.T @ b.T

    def adapted(inputs, has_shared):
        plain = p.linear(inputs, WIDTH)
        shared = low_rank(inputs) if has_shared else lambda x: torch.zeros(WIDTH)
        return plain, shared, [low_rank(inputs) for _ in range(TASKS)]

    layers = adapted(INPUTS, True), adapted(WIDTH, add_shared)

    def layer(number, x, x_tasks):
        plain, shared, own = layers[number]
        pretrained, lora = plain(x), 0.5 * shared(x)
        start = pretrained + lora if add_shared else pretrained
        return pretrained + lora, [start + 0.7 * adapter(x_task) for adapter, x_task in zip(own, x_tasks)]

    def features(x):
        x, x_tasks = layer(0, x, [x] * TASKS)
        return layer(1, torch.tanh(x), [torch.tanh(x_task) for x_task in x_tasks])[1]
    return features


def low_rank(p):
    return mtlora(p, False)


def low_rank_v2(p):
    return mtlora(p, True)


def pepnet(p):
    """Embedding in columns 0 and 1, domain in 2, priors in 1 and 2; gates with gamma 1.5 after tanh and after the last layer."""
    def gate_nu(inputs, outputs):
        first, second = p.linear(inputs, outputs), p.linear(outputs, outputs)
        return lambda x: 1.5 * torch.sigmoid(second(torch.relu(first(x))))

    embedding_gate = gate_nu(3, 2)
    networks = [p.network(2) for _ in range(TASKS)]
    gates = [[gate_nu(4, WIDTH) for _ in range(TASKS)] for _ in range(2)]

    def features(x):
        embedding = x[:, 0:2]
        scaled = embedding_gate(torch.cat([x[:, 2:3], embedding.detach()], -1)) * embedding
        seen = torch.cat([x[:, 1:3], scaled.detach()], -1)
        return [gates[1][i](seen) * networks[i][2](gates[0][i](seen) * run(networks[i][:2], scaled)) for i in range(TASKS)]
    return features


def stem(p):
    tables = [p.linear(INPUTS, INPUTS) for _ in range(TASKS + 1)]

    def level(inputs, last):
        own = [[p.network(inputs)], [p.network(inputs), p.network(inputs)]]
        return own, [p.network(inputs)], [p.linear(inputs, 4) for _ in range(TASKS if last else TASKS + 1)]

    levels = [level(INPUTS, False), level(WIDTH, True)]

    def features(x):
        values = [table(x) for table in tables]
        for own, shared, gates in levels:
            of_tasks = [[run(expert, value) for expert in experts] for experts, value in zip(own, values)]
            of_all = [run(expert, values[-1]) for expert in shared]
            found = [gated(gates[i], values[i] + values[-1],
                           [e if j == i else e.detach() for j in range(TASKS) for e in of_tasks[j]] + of_all) for i in range(TASKS)]
            values = found + [gated(gate, values[-1], sum(of_tasks, []) + of_all) for gate in gates[TASKS:]]
        return values
    return features


def home(p):
    """Two categories of one task each; the first category has two meta experts, the second task two experts."""
    def meta_expert():
        b, a, linear, weight, bias = p.take(1, INPUTS), p.take(INPUTS, 1), p.linear(INPUTS, WIDTH), p.take(WIDTH), p.take(WIDTH)
        normalise = torch.nn.functional.batch_norm
        return lambda x: torch.nn.functional.silu(
            normalise(linear(x * 2 * torch.sigmoid(x @ b.T @ a.T)), None, None, weight, bias, training=True))

    def expert():
        linear = p.linear(2 * WIDTH, WIDTH)
        return lambda x: torch.nn.functional.silu(linear(x))

    def self_gated(gate, x, experts):
        return gated(gate, x, experts) if len(experts) > 1 else torch.sigmoid(gate(x)) * experts[0]

    of_categories, of_all = [[meta_expert(), meta_expert()], [meta_expert()]], meta_expert()
    gates = [p.linear(INPUTS, count, bias=False) for count in (3, 2, 4)]
    self_gates = [p.linear(INPUTS, count, bias=False) for count in (2, 1, 1)]
    of_tasks, shared = [[expert()], [expert(), expert()]], expert()
    task_gates = [p.linear(2 * WIDTH, count) for count in (3, 4)]
    beside = [expert() for _ in range(2)]
    task_self_gates = [p.linear(2 * WIDTH, count) for count in (1, 2)]

    def features(x):
        found, common = [[e(x) for e in experts] for experts in of_categories], [of_all(x)]
        z = gated(gates[2], x, sum(found, []) + common) + self_gated(self_gates[2], x, common)
        for t in range(TASKS):
            z_category = gated(gates[t], x, found[t] + common) + self_gated(self_gates[t], x, found[t])
            read = torch.cat([z_category, z], -1)
            own = [e(read) for e in of_tasks[t]]
            yield gated(task_gates[t], read, own + [beside[t](read), shared(read)]) + self_gated(task_self_gates[t], read, own)
    return features


def factorised(p):
    first_core, first_tasks, first_bias = p.take(2, WIDTH, INPUTS), p.take(TASKS, 2), p.take(TASKS, WIDTH)
    tt_in, tt_core, tt_tasks, tt_bias = p.take(2, WIDTH), p.take(2, WIDTH, 2), p.take(TASKS, 2), p.take(TASKS, WIDTH)
    in_, core, out, tasks, bias = p.take(2, WIDTH), p.take(1, 3, 2), p.take(WIDTH, 3), p.take(TASKS, 1), p.take(TASKS, WIDTH)
    laf = torch.einsum("tk,koi->toi", first_tasks, first_core)
    tt = torch.einsum("tk,kor,ri->toi", tt_tasks, tt_core, tt_in)
    tucker = torch.einsum("tk,ksr,os,ri->toi", tasks, core, out, in_)

    def features(x):
        for t in range(TASKS):
            h = torch.tanh(x @ laf[t].T + first_bias[t])
            h = torch.tanh(h @ tt[t].T + tt_bias[t])
            yield h @ tucker[t].T + bias[t]
    return features


entire_space()
for way in (separate, cross_stitch, nddr, mmoe, ple, soft_sharing, trace_norm, sluice, dselect_k, dselect_k_static, top_k, mtan, ltb,
            aitm, related_towers, pad_net, task_norms, low_rank, low_rank_v2, pepnet, stem, home, factorised):
    case(way.__name__, way)
path = pathlib.Path(__file__).parent / "sharing.safetensors"
save_file({name: np.ascontiguousarray(value) for name, value in kept.items()}, path, metadata={"made by": "make_sharing.py"})
path.chmod(0o644)
