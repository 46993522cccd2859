#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the seeds in corpus/: small files from which a fuzzer reaches every part of a format. Inputs that it found stand
beside them under other names and are kept. usage: make_corpus.py"""
import gzip
import json
import pathlib
import struct

corpus = pathlib.Path(__file__).parent / "corpus"


def seed(target, name, data):
    folder = corpus / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def packed(data):
    return gzip.compress(data, 9, mtime=0)


def safetensors(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def entry(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


sizes = {"F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2, "I8": 1, "U8": 1, "BOOL": 1}
every, at = {}, 0
for dtype, size in sizes.items():
    every[dtype] = entry(dtype, [2], at, at + 2 * size)
    at += 2 * size
seed("safetensors", "every_type", safetensors(every, bytes(i % 2 for i in range(at))))
seed("safetensors", "notes", safetensors({"__metadata__": {"layout": "NHWC", "\u00e9\"\\": "\u20ac"}, "a.weight": entry("F32", [1, 2], 0, 8)},
                                         struct.pack("<2f", 1.5, float("nan"))))
seed("safetensors", "empty", safetensors({}))
seed("safetensors", "scalar_and_nothing", safetensors({"scalar": entry("F32", [], 0, 4), "nothing": entry("F32", [0, 3], 4, 4)}, bytes(4)))
seed("safetensors", "float8", safetensors({"x": entry("F8_E4M3", [3], 0, 3)}, b"abc"))
seed("safetensors", "many_axes", safetensors({"x": entry("U8", [1] * 12, 0, 1)}, b"a"))
seed("safetensors", "huge_extents", safetensors({"x": entry("U8", [0, 2**63, 2], 0, 0)}))
seed("safetensors", "twice", safetensors(b'{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"x":{"dtype":"U8","shape":[0],"data_offsets":[1,1]}}', b"a"))
seed("safetensors", "overlap", safetensors({"x": entry("U8", [2], 0, 2), "y": entry("U8", [2], 1, 3)}, b"abc"))
seed("safetensors", "negative", safetensors({"x": entry("U8", [-1], 0, 1e300)}, b"a"))
seed("safetensors", "long_header", struct.pack("<Q", 2**40) + b"{}")

people = b'name,age,"sex, or ""none"""\nAnn,31,f\n"Bob\nthe second",NA,\n Cy ,-4.5e3,"m"\n'
for choice in range(8):
    seed("csv", f"people_{choice}", bytes([choice]) + people)
seed("csv", "semicolons", bytes([8]) + b"a;b\r\n1;2\r\n+3;0x4\r\n1e999;1e-999\r\n")
seed("csv", "spaces", bytes([26]) + b'a b\n1 2\n"3" \t4\n')
seed("csv", "one_column", b"\0\xef\xbb\xbfa\n\n1\n\n\"\"\n300\n")
seed("csv", "no_missing", bytes([32]) + b"a,b\nNA,null\n,\n")
seed("csv", "open_quote", b'\0a,b\n1,"2\n')
seed("csv", "cr", b"\0a,b\r1,2\r")
seed("csv", "same_names", b"\0a,a\n1,2\n")


def idx(kind, extents, values):
    return bytes([0, 0, kind, len(extents)]) + b"".join(struct.pack(">I", e) for e in extents) + values


seed("idx", "bytes_1", idx(8, [5], b"\0\x7f\x80\xff\x01"))
seed("idx", "bytes_4", idx(8, [1, 2, 1, 3], b"abcdef"))
seed("idx", "signed", idx(9, [2, 2], b"\x80\xff\0\x7f"))
seed("idx", "shorts", idx(11, [2], struct.pack(">2h", -300, 300)))
seed("idx", "ints", idx(12, [2, 1], struct.pack(">2i", -(2**31), 255)))
seed("idx", "floats", idx(13, [3], struct.pack(">3f", 1.5, float("inf"), float("nan"))))
seed("idx", "doubles", idx(14, [2], struct.pack(">2d", 1e300, -0.0)))
seed("idx", "nothing", idx(8, [0, 28, 28], b""))
seed("idx", "huge", idx(8, [2**32 - 1] * 3, b""))
seed("idx", "nothing_huge", idx(8, [0] + [2**32 - 1] * 3, b""))
seed("idx", "packed", packed(idx(8, [2, 2], b"abcd")))
seed("idx", "packed_short", packed(idx(8, [2, 3], b"abcd")))
seed("idx", "packed_long", packed(idx(8, [2], b"abcd")))

seed("gzip", "text", packed(b"some text, some text"))
seed("gzip", "nothing", packed(b""))
seed("gzip", "zeros", packed(bytes(100_000)))
seed("gzip", "members", packed(b"one ") + packed(b"two"))
seed("gzip", "tail", packed(b"text") + b"tail")
seed("gzip", "cut", packed(b"some text, some text")[:-5])
seed("gzip", "wrong_sum", packed(b"text")[:-8] + bytes(8))
seed("gzip", "stored", gzip.compress(bytes(range(64)), 0, mtime=0))
seed("gzip", "with_name", b"\x1f\x8b\x08\x08" + bytes(5) + b"\x03name\0" + packed(b"text")[10:])
seed("gzip", "plain", b"not packed")

coco = {
    "info": {}, "licenses": [],
    "categories": [{"id": 7, "name": "dog", "supercategory": "animal"}, {"id": 2, "name": "cat"}],
    "images": [{"id": 4, "file_name": "a.jpg", "height": 5, "width": 6}, {"id": -3, "file_name": "\u00e9.jpg", "height": 20, "width": 10}],
    "annotations": [{"id": 1, "image_id": 4, "category_id": 7, "bbox": [1, 2.5, 3, 2], "iscrowd": 0, "area": 4.5, "segmentation": [[1, 2, 3]]},
                    {"id": 2, "image_id": -3, "category_id": 2, "bbox": [-0.5, 0, 10.75, 20], "iscrowd": 1,
                     "segmentation": {"counts": "abc", "size": [1, 2]}}],
}
seed("coco", "boxes", json.dumps(coco, separators=(",", ":")).encode())
seed("coco", "bad_boxes", json.dumps({**coco, "annotations": [{**coco["annotations"][0], "bbox": box} for box in ([1, 1, 0, 2], [9, 9, 1, 1])]},
                                     separators=(",", ":")).encode())
seed("coco", "nothing", b'{"images":[],"annotations":[],"categories":[]}')
seed("coco", "unknown_category", json.dumps({**coco, "categories": []}, separators=(",", ":")).encode())

special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
pieces = [*special, "word", "##s", "caf", "##e", "!", "1"]
seed("tokenizer", "lines", b"\0" + "\n".join(pieces).encode() + b"\n")
seed("tokenizer", "lines_crlf", b"\0a\r\n##b\r\n\xc3\xa9")
seed("tokenizer", "lines_twice", b"\0a\nb\na\n")
seed("tokenizer", "saved", b"\1" + json.dumps({"format": "espalier vocabulary 1", "tokens": pieces, "padding": "[PAD]", "unknown": "[UNK]",
                                              "begin": "", "end": "!"}, separators=(",", ":")).encode())
word_piece = {
    "added_tokens": [{"id": i, "content": t, "special": True, "normalized": False} for i, t in enumerate(special)],
    "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
    "pre_tokenizer": {"type": "BertPreTokenizer"},
    "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A"}},
                                                                {"SpecialToken": {"id": "[SEP]", "type_id": 0}}]},
    "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
              "vocab": {t: i for i, t in enumerate(pieces)}},
}
seed("tokenizer", "word_piece", b"\2" + json.dumps(word_piece, separators=(",", ":")).encode())
seed("tokenizer", "word_piece_old", b"\2" + json.dumps({**word_piece, "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3],
                                                                                        "cls": ["[CLS]", 2]}}, separators=(",", ":")).encode())
printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
letters = [chr(b) for b in printable] + [chr(256 + i) for i in range(256 - len(printable))]
merges = ["w o", "r d", "wo rd", "i t", "\u0120 word", "\u00f0 \u0141"]
tokens = letters + [m.replace(" ", "") for m in merges]
byte_pairs = {
    "added_tokens": [{"id": len(tokens), "content": "<|end|>", "special": True}],
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True},
    "post_processor": {"type": "ByteLevel"},
    "model": {"type": "BPE", "vocab": {t: i for i, t in enumerate(tokens)}, "merges": merges},
}
seed("tokenizer", "byte_pairs", b"\3" + json.dumps(byte_pairs, separators=(",", ":"), ensure_ascii=False).encode())
lists = {**byte_pairs["model"], "merges": [m.split() for m in merges], "ignore_merges": True}
seed("tokenizer", "byte_pairs_lists", b"\3" + json.dumps({**byte_pairs, "model": lists, "pre_tokenizer": {"type": "ByteLevel"}},
                                                        separators=(",", ":"), ensure_ascii=False).encode())

# Of images those that the tests of the readers have.
images = pathlib.Path(__file__).parent.parent / "golden" / "images"
for name in ("grey", "palette_alpha", "rgb16", "grey1_interlaced", "rgba16_interlaced", "grey_key", "one_pixel"):
    data = (images / f"{name}.png").read_bytes()
    seed("png", name, data)
    seed("png", name + "_cut", data[:len(data) * 2 // 3])
for name in ("grey", "progressive", "cmyk", "ycck", "turned_6", "turned_6_little", "one_pixel"):
    data = (images / f"{name}.jpg").read_bytes()
    seed("jpeg", name, data)
    seed("jpeg", name + "_cut", data[:len(data) * 9 // 10])
