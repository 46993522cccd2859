#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Does examples/pronounce.cpp learn what the same recipe learns in PyTorch?

    python3 pronounce.py --program build/release/examples/pronounce --seeds 5 --epochs 4

The same words and words held out, nets, losses, rates and rule for batches; first weights and order of the words are each side's own.
Prints a Markdown table of means and their standard errors; --json keeps every run, and what it holds already is not run again. Needs
PyTorch and nothing else.
"""
import argparse
import gzip
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "..", "examples", "data", "cmudict", "cmudict-20000.dict.gz")
PAD, UNK, BEGIN, END = range(4)
LONGEST, MOST, DROPOUT, PRONUNCIATION_WEIGHT = 32, 48, 0.2, 4
CLASSES = {"syllables": 6, "stress": 4}
FIGURES = {"syllables": "syllables", "stress": "stress", "first": "first phone", "last": "last phone", "phones": "phone errors",
           "words": "word errors", "processor_seconds": "processor s"}


def held_out(word):
    value = 14695981039346656037
    for byte in word.encode():
        value = (value ^ byte) * 1099511628211 % 2**64
    return value % 10 == 0


def dictionary(path):
    """Words with their phones, stress digits and all."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            word, *phones = line.split("#")[0].split()
            if "(" not in word:
                yield word, phones


class Words:
    """Letters, phones and classes as numbers; -100 where a word has no class."""

    def __init__(self, entries, letters, phones):
        self.letters = [torch.tensor([letters.get(c, UNK) for c in word[:LONGEST]]) for word, _ in entries]
        self.phones, self.classes = [], {"syllables": [], "stress": [], "first": [], "last": []}
        for _, said in entries:
            ids = [phones.get(phone.rstrip("0123456789"), UNK) for phone in said]
            self.phones.append(torch.tensor([BEGIN, *ids, END]))
            vowels = [phone[-1] for phone in said if phone[-1].isdigit()]
            stress = vowels.index("1") + 1 if "1" in vowels else 0
            self.classes["syllables"].append(min(len(vowels), 6) - 1 if vowels else -100)
            self.classes["stress"].append(min(stress, 4) - 1 if stress else -100)
            self.classes["first"].append(ids[0] - 4 if ids[0] != UNK else -100)
            self.classes["last"].append(ids[-1] - 4 if ids[-1] != UNK else -100)
        self.classes = {task: torch.tensor(labels) for task, labels in self.classes.items()}

    def __len__(self):
        return len(self.letters)

    def batch(self, indices):
        letters = [self.letters[i] for i in indices]
        phones = pad_sequence([self.phones[i] for i in indices], batch_first=True)
        read = phones[:, :-1].masked_fill(phones[:, :-1] == END, PAD)
        return (pad_sequence(letters, batch_first=True), torch.tensor([len(word) for word in letters]), read, phones[:, 1:],
                {task: labels[indices] for task, labels in self.classes.items()})


def load(path):
    entries = list(dictionary(path))
    known = [entry for entry in entries if not held_out(entry[0])]
    letters = {c: i + 2 for i, c in enumerate(sorted({c for word, _ in known for c in word}))}
    phones = {p: i + 4 for i, p in enumerate(sorted({p.rstrip("0123456789") for _, said in known for p in said}))}
    return (Words(known, letters, phones), Words([entry for entry in entries if held_out(entry[0])], letters, phones),
            len(letters) + 2, len(phones) + 4)


def batches(words, size):
    """data::LengthSampler: fifty batches at a time are sorted by length, and all shuffled."""
    order = torch.randperm(len(words)).tolist()
    full = len(words) // size
    for first in range(0, full, 50):
        part = slice(first * size, min(first + 50, full) * size)
        order[part] = sorted(order[part], key=lambda i: len(words.letters[i]))
    for k in torch.randperm(full).tolist():
        yield order[k * size:(k + 1) * size]
    if len(words) % size:
        yield order[full * size:]


class Convolutions(nn.Module):
    """Norms, convolutions and ReLUs that are added; nothing behind the end of a word is read."""

    def __init__(self, width, blocks=3, kernel=5):
        super().__init__()
        self.norms = nn.ModuleList([nn.LayerNorm(width) for _ in range(blocks)])
        self.convolutions = nn.ModuleList([nn.Conv1d(width, width, kernel, padding=kernel // 2) for _ in range(blocks)])
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, x, behind):
        for norm, convolution in zip(self.norms, self.convolutions):
            known = norm(x).masked_fill(behind[:, :, None], 0)
            x = x + self.dropout(F.relu(convolution(known.transpose(1, 2)).transpose(1, 2)))
        return self.norm(x)


class Pronouncer(nn.Module):
    def __init__(self, net, width, letters, phones):
        super().__init__()
        self.letters = nn.Embedding(letters, width)
        self.places = nn.Embedding(LONGEST, width) if net == "transformer" else None
        if net == "gru":
            self.layers = nn.GRU(width, width // 2, 2, batch_first=True, bidirectional=True, dropout=DROPOUT)
        elif net == "conv":
            self.layers = Convolutions(width)
        else:
            layers = [nn.TransformerEncoderLayer(width, 4, 2 * width, DROPOUT / 2, batch_first=True, norm_first=True) for _ in range(3)]
            self.layers = nn.TransformerEncoder(layers[0], 3, nn.LayerNorm(width), enable_nested_tensor=False)
            self.layers.layers = nn.ModuleList(layers)  # not copies of the first: each has first weights of its own
        self.questions = nn.Embedding(4, width)
        self.attention = nn.MultiheadAttention(width, 4, batch_first=True)
        self.heads = nn.ModuleDict({task: nn.Linear(width, CLASSES.get(task, phones - 4))
                                    for task in ("syllables", "stress", "first", "last")})
        self.phones = nn.Embedding(phones, width)
        self.before = nn.GRU(width, width, batch_first=True)
        self.question, self.key = nn.Linear(width, width), nn.Linear(width, width)
        self.after = nn.GRU(2 * width, width, batch_first=True)
        self.logits = nn.Linear(width, phones)
        self.dropout = nn.Dropout(DROPOUT)

    def read(self, letters, lengths):
        behind = torch.arange(letters.shape[1]) >= lengths[:, None]
        x = self.letters(letters)
        if self.places is not None:
            x = self.layers(self.dropout(x + self.places.weight[:letters.shape[1]]), src_key_padding_mask=behind)
        elif isinstance(self.layers, Convolutions):
            x = self.layers(self.dropout(x), behind)
        else:
            packed = pack_padded_sequence(self.dropout(x), lengths, batch_first=True, enforce_sorted=False)
            x, _ = pad_packed_sequence(self.layers(packed)[0], batch_first=True)
        return x, behind

    def classify(self, memory, behind):
        questions = self.questions.weight.expand(len(memory), -1, -1)
        answers, _ = self.attention(questions, memory, memory, key_padding_mask=behind, need_weights=False)
        return {task: head(answers[:, i]) for i, (task, head) in enumerate(self.heads.items())}

    def say(self, phones, memory, behind, states=(None, None)):
        before, first = self.before(self.dropout(self.phones(phones)), states[0])
        found = F.scaled_dot_product_attention(self.question(before), self.key(memory), memory, attn_mask=~behind[:, None, :])
        after, second = self.after(self.dropout(torch.cat([before, found], 2)), states[1])
        return self.logits(self.dropout(after)), (first, second)

    def losses(self, letters, lengths, read, phones, classes):
        memory, behind = self.read(letters, lengths)
        losses = {task: F.cross_entropy(scores, classes[task]) for task, scores in self.classify(memory, behind).items()}
        logits, _ = self.say(read, memory, behind)
        losses["pronunciation"] = F.cross_entropy(logits.transpose(1, 2), phones, ignore_index=PAD, label_smoothing=0.1)
        return losses

    @torch.no_grad()
    def answer(self, letters, lengths):
        """Classes of each task, and phones until the end."""
        memory, behind = self.read(letters, lengths)
        classes = {task: scores.argmax(1) for task, scores in self.classify(memory, behind).items()}
        phone, states, said = torch.full((len(letters), 1), BEGIN), (None, None), []
        ended = torch.zeros(len(letters), dtype=torch.bool)
        while len(said) < MOST and not ended.all():
            logits, states = self.say(phone, memory, behind, states)
            phone = logits.argmax(2)
            ended |= phone[:, 0] == END
            said.append(phone[:, 0].masked_fill(ended, END))
        return classes, [[p for p in word if p != END] for word in torch.stack(said, 1).tolist()]


def edit_distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a):
        diagonal, row[0] = row[0], i + 1
        for j, y in enumerate(b):
            diagonal, row[j + 1] = row[j + 1], min(diagonal + (x != y), row[j] + 1, row[j + 1] + 1)
    return row[-1]


def score(net, words):
    net.eval()
    right, counted = dict.fromkeys(net.heads, 0), dict.fromkeys(net.heads, 0)
    edits = elements = wrong = 0
    for first in range(0, len(words), 256):
        letters, lengths, _, phones, labels = words.batch(list(range(first, min(first + 256, len(words)))))
        classes, said = net.answer(letters, lengths)
        for task in right:
            right[task] += (classes[task] == labels[task]).sum().item()
            counted[task] += (labels[task] >= 0).sum().item()
        for word, truth in zip(said, phones.tolist()):
            truth = truth[:truth.index(END)]
            distance = edit_distance(word, truth)
            edits, elements, wrong = edits + distance, elements + len(truth), wrong + (distance > 0)
    return {task: right[task] / counted[task] for task in right} | {"phones": edits / elements, "words": wrong / len(words)}


def train(args, seed):
    torch.manual_seed(seed)
    known, test, letters, phones = load(args.data)
    net = Pronouncer(args.net, args.width, letters, phones)
    steps = -(-len(known) // args.batch) * args.epochs
    rising = steps // 20 + 1
    adam = torch.optim.Adam(net.parameters(), lr=args.learning_rate, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        adam, lambda t: 1 / 3 + 2 / 3 * t / rising if t < rising else (1 + math.cos(math.pi * (t - rising) / (steps - rising + 1))) / 2)
    start = time.process_time()
    for epoch in range(args.epochs):
        for indices in batches(known, args.batch):
            losses = net.losses(*known.batch(indices))
            adam.zero_grad()
            sum((PRONUNCIATION_WEIGHT if task == "pronunciation" else 1) * loss for task, loss in losses.items()).backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1)
            adam.step()
            schedule.step()
        print(f"PyTorch, seed {seed}, epoch {epoch + 1} of {args.epochs}: "
              + ", ".join(f"{task} {loss.item():.3f}" for task, loss in losses.items()), file=sys.stderr)
    seconds = time.process_time() - start
    return score(net, test) | {"processor_seconds": seconds}


def example(args, seed):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "figures.json")
        command = [args.program, "--net", args.net, "--width", args.width, "--epochs", args.epochs, "--batch", args.batch,
                   "--learning-rate", args.learning_rate, "--seed", seed, "--threads", args.threads, "--data", args.data, "--out", folder,
                   "--json", path]
        subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
        with open(path, encoding="utf-8") as file:
            found = json.load(file)
    return found["together"] | {"processor_seconds": found["processor_seconds"]}


def row_of(name, runs):
    cells = []
    for figure in FIGURES:
        values = [run[figure] * (1 if figure == "processor_seconds" else 100) for run in runs]
        error = statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0
        cells.append(f"{statistics.mean(values):.1f} ± {error:.1f}")
    return f"| {name} | " + " | ".join(cells) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--program", required=True, metavar="FILE", help="the example, compiled")
    parser.add_argument("--data", default=DATA, metavar="FILE")
    parser.add_argument("--net", choices=("conv", "gru", "transformer"), default="gru")
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=0.003)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", metavar="FILE", help="keeps every run")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    runs = {}
    if args.json and os.path.exists(args.json):
        with open(args.json, encoding="utf-8") as file:
            runs = json.load(file)
    for seed in range(1, args.seeds + 1):
        for name, run in (("Espalier", example), ("PyTorch", train)):
            if str(seed) in runs.setdefault(name, {}):
                continue
            runs[name][str(seed)] = run(args, seed)
            print(name, seed, runs[name][str(seed)], file=sys.stderr)
            if args.json:
                with open(args.json, "w", encoding="utf-8") as file:
                    json.dump(runs, file, indent=1)
    print("| | " + " | ".join(FIGURES.values()) + " |\n|---|" + "---|" * len(FIGURES))
    for name, of_seeds in runs.items():
        print(row_of(name, list(of_seeds.values())))


if __name__ == "__main__":
    main()
