#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes tests/golden/tokenizers/: small trained vocabularies, and what the package `tokenizers` (0.23) makes of 10,000 lines.

The lines are drawn by the generator that tests/text/lines.hpp has as well. With a folder as argument the lines themselves go there.
"""

import json
import pathlib
import sys

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

M = 2**64 - 1
PARTS = [
    "the", "of", "learning", "Unhappiness", "don't", "we'll", "I'm", "they've", "you're", "he'd", "it's", "'S", "x'", "''s",
    "caf\u00e9", "na\u00efve", "\u00c9COLE", "Stra\u00dfe", "\u0130stanbul", "\u1ec7u\u1ec7", "e\u0301a\u0323\u0301", "\u01d5bung",
    "\u4e2d\u6587", "\u6771\u4eac\u3067\u3059", "\ud55c\uad6d\uc5b4", "\u3400\U00020000", "\uf900",
    "\U0001F600", "\U0001F468\u200d\U0001F469\u200d\U0001F467", "\u2764\ufe0f", "\U0001F1E9\U0001F1EA", "\U0001F44D\U0001F3FD",
    "\u0645\u0631\u062d\u0628\u0627", "\u0633\u064e\u0644\u0627\u0645", "\u05e9\u05c1\u05dc\u05d5\u05dd", "\u043f\u0440\u0438\u0432\u0435\u0442", "\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2", "\u0939\u093f\u0928\u094d\u0926\u0940",
    "\x00", "\x01", "\x7f", "\u0085", "\u200b", "\ufeff", "\ufffd", "\u00ad", "\u200e", "\ue000",
    "\t", "\n", "\r\n", "\u00a0", "\u3000", "\u2003", "\u2028", "\x0b", "\x1c",
    "0", "7", "1234567", "3.14", "1,000", "\u0663\u0664", "\u00bd", "\u2167", "x2", "2x",
    ".", ",", "!", "?!", "...", "--", "\u2014", "\u201cquote\u201d", "$5", "50%", "a_b", "#tag", "@me", "[CLS]", "[MASK]", "[UNK]",
    "<|endoftext|>", "http://x.org/?a=b&c", "(a)", "\u20ac", "\u00bf", "\u3002",
    "internationalization", "tokenization", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "-" * 45, "z" * 101,
]
GAPS = ["", " ", " ", " ", " ", "  ", "   "]


def mix(x):  # splitmix64
    x = (x + 0x9E3779B97F4A7C15) & M
    x = ((x ^ x >> 30) * 0xBF58476D1CE4E5B9) & M
    x = ((x ^ x >> 27) * 0x94D049BB133111EB) & M
    return x ^ x >> 31


def make_lines(count, seed):
    state = seed
    result = []

    def below(n):
        nonlocal state
        state += 1
        return mix(state) % n

    for _ in range(count):
        line = ""
        for _ in range(below(12)):
            if below(4) == 0:  # a word of random letters
                for _ in range(1 + below(9)):
                    line += chr(97 + below(26))
            elif below(12) == 0:  # any character below U+3000, which all versions of Unicode know alike or leave out
                c = below(0x500)
                line += chr(c)
            else:
                line += PARTS[below(len(PARTS))]
            line += GAPS[below(len(GAPS))]
        result.append(line)
    return result


def fnv(lists):
    h = 0xCBF29CE484222325
    for ids in lists:
        for i in [*ids, M]:
            h = (h ^ i) * 0x100000001B3 & M
    return str(h)


def bert(**options):
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer(**options)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.decoder = decoders.WordPiece()
    t.train_from_iterator(make_lines(2000, 1), trainers.WordPieceTrainer(vocab_size=900, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]))
    t.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return t


def gpt2(**options):
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(**options)
    t.decoder = decoders.ByteLevel()
    t.post_processor = processors.ByteLevel(trim_offsets=False)
    t.train_from_iterator(make_lines(2000, 1), trainers.BpeTrainer(vocab_size=900, special_tokens=["<|endoftext|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    return t


folder = pathlib.Path(__file__).resolve().parent / "tokenizers"
folder.mkdir(exist_ok=True)
lines = make_lines(10000, 2)
made = {
    "bert": bert(lowercase=True),
    "bert_cased": bert(lowercase=False, strip_accents=False, handle_chinese_chars=False),
    "gpt2": gpt2(add_prefix_space=False),
    "gpt2_prefix": gpt2(add_prefix_space=True),
    "gpt2_whole": gpt2(add_prefix_space=False, use_regex=False),
}
golden = {"lines": fnv([[ord(c) for c in line] for line in lines])}
for name, tokenizer in made.items():
    text = json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":"))
    (folder / f"{name}.json").write_text(text, encoding="utf-8")
    encoded = [e.ids for e in tokenizer.encode_batch(lines, add_special_tokens=False)]
    golden[name] = {"ids": fnv(encoded), "count": sum(map(len, encoded)), "first": encoded[:20],
                    "with_special": fnv(e.ids for e in tokenizer.encode_batch(lines))}
    if len(sys.argv) > 1:
        pathlib.Path(sys.argv[1], name + ".ids").write_text("\n".join(" ".join(map(str, ids)) for ids in encoded) + "\n")
(folder / "expected.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")
words = sorted(made["bert"].get_vocab().items(), key=lambda entry: entry[1])
(folder / "vocab.txt").write_text("\n".join(word for word, _ in words) + "\n", encoding="utf-8")


def literal(part):  # octal ends after three digits, whatever follows
    text = "".join(chr(b) if 32 <= b < 127 and chr(b) not in '"\\?' else f"\\{b:03o}" for b in part.encode())
    return f'    {{"{text}", {len(part.encode())}}},'


(folder.parent.parent / "text/line_parts.hpp").write_text(f"""\
// SPDX-License-Identifier: MIT
/// @file What the lines of tests/text/lines.hpp are made of, as tests/golden/make_tokenizers.py writes it.
#pragma once

#include <string_view>

namespace testing {{

// clang-format off
inline constexpr std::string_view line_parts[] = {{
{chr(10).join(map(literal, PARTS))}
}};
// clang-format on

}}  // namespace testing
""")
