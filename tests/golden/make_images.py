#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes images/: small PNG and JPEG files of every kind, and images.safetensors, their pixels as Pillow decodes them.

    pip install pillow==13.0.0 numpy safetensors
    python tests/golden/make_images.py

Tensors: `<file>` for what a file holds, (H, W) or (H, W, C); `<file>/rgb` converted to RGB; `<file>/stored` for a palette's
indices; `resize/<n>/input` and `/output` for bilinear resizing with antialiasing of one float channel, (H, W).
"""

import io
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps
from safetensors.numpy import save_file

here = pathlib.Path(__file__).resolve().parent
folder = here / "images"
folder.mkdir(exist_ok=True)
rng = np.random.default_rng(20260101)
tensors = {}


def picture(height, width, channels, top=255):
    """Smooth, so that JPEG keeps it, with some noise."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [np.sin(y / (3 + c) + c) * np.cos(x / (5 - c) - c) for c in range(channels)]
    values = (np.stack(planes, -1) + 1) / 2 * top + rng.uniform(-top / 40, top / 40, (height, width, channels))
    result = np.clip(values, 0, top).astype(np.uint16 if top > 255 else np.uint8)
    return result[..., 0] if channels == 1 else result


def keep(name, data, pixels):
    path = folder / name
    path.write_bytes(data)
    path.chmod(0o644)
    tensors[name] = np.ascontiguousarray(pixels)


def saved(image, kind, **how):
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


def png(name, image, pixels=None, **how):
    data = saved(image, "PNG", **how)
    keep(name, data, np.asarray(Image.open(io.BytesIO(data))) if pixels is None else pixels)
    if pixels is None and image.mode in ("L", "LA", "RGB", "RGBA", "P"):
        tensors[name + "/rgb"] = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        tensors[name + "/grey"] = np.asarray(Image.open(io.BytesIO(data)).convert("RGB").convert("L"))


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def raw_png(pixels, depth, colour, more=b"", interlaced=False):
    """What Pillow does not write. `pixels` are (H, W) or (H, W, C), packed to `depth` bits."""
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    height, width, _ = pixels.shape
    passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)] if interlaced else [(0, 0, 1, 1)]
    data = b""
    for top, left, down, right in passes:
        part = pixels[top::down, left::right]
        if part.size == 0:
            continue
        for row in part.reshape(part.shape[0], -1):
            bits = (row[:, None].astype(np.int64) >> np.arange(depth - 1, -1, -1)) & 1
            data += b"\0" + np.packbits(bits.astype(np.uint8).reshape(-1)).tobytes()
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + more + chunk(b"IDAT", zlib.compress(data, 9)) + chunk(b"IEND", b"")


png("grey.png", Image.fromarray(picture(13, 17, 1)))
png("grey_alpha.png", Image.fromarray(picture(9, 8, 2), "LA"))
png("rgb.png", Image.fromarray(picture(13, 17, 3)))
png("rgba.png", Image.fromarray(picture(12, 7, 4)))
png("one_pixel.png", Image.fromarray(picture(1, 1, 3)))
deep = picture(11, 6, 1, 65535)
png("grey16.png", Image.fromarray(deep), deep)

palette = Image.fromarray((picture(10, 9, 1) // 40).astype(np.uint8), "P")
palette.putpalette(rng.integers(0, 256, 7 * 3, dtype=np.uint8).tobytes())
indices = np.asarray(palette)
for name, how, mode in [("palette.png", {}, "RGB"), ("palette_alpha.png", {"transparency": bytes([0, 50, 100, 255])}, "RGBA")]:
    data = saved(palette, "PNG", **how)
    keep(name, data, np.asarray(Image.open(io.BytesIO(data)).convert(mode)))
    tensors[name + "/stored"] = indices

two_bits = rng.integers(0, 4, (7, 5), dtype=np.uint8)
keep("grey2.png", raw_png(two_bits, 2, 0), two_bits * 85)
tensors["grey2.png/stored"] = two_bits
one_bit = rng.integers(0, 2, (9, 11), dtype=np.uint8)
keep("grey1_interlaced.png", raw_png(one_bit, 1, 0, interlaced=True), one_bit * 255)
assert np.array_equal(np.asarray(Image.open(folder / "grey1_interlaced.png")), one_bit.astype(bool))
keyed = rng.integers(0, 3, (5, 6), dtype=np.uint8)
keep("grey_key.png", raw_png(keyed, 8, 0, chunk(b"tRNS", struct.pack(">H", 1))), np.stack([keyed, np.where(keyed == 1, 0, 255)], -1).astype(np.uint8))
for name, interlaced in [("rgb_interlaced.png", True), ("tiny_interlaced.png", True)]:
    pixels = picture(*((19, 21) if name[0] == "r" else (1, 2)), 3)
    keep(name, raw_png(pixels, 8, 2, interlaced=interlaced), pixels)
    assert np.array_equal(np.asarray(Image.open(folder / name)), pixels)
deep = picture(6, 5, 3, 65535)
keep("rgb16.png", raw_png(deep, 16, 2), deep)
deep = picture(6, 7, 4, 65535)
keep("rgba16_interlaced.png", raw_png(deep, 16, 6, interlaced=True), deep)


def jpeg(name, image, **how):
    data = saved(image, "JPEG", **{"quality": 92, **how})
    decoded = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    keep(name, data, np.asarray(decoded.convert("RGB") if decoded.mode == "CMYK" else decoded))


jpeg("grey.jpg", Image.fromarray(picture(18, 21, 1)))
jpeg("rgb.jpg", Image.fromarray(picture(24, 37, 3)))
jpeg("rgb444.jpg", Image.fromarray(picture(9, 15, 3)), subsampling=0)
jpeg("progressive.jpg", Image.fromarray(picture(33, 20, 3)), progressive=True)
jpeg("one_pixel.jpg", Image.fromarray(picture(1, 1, 3)))
jpeg("cmyk.jpg", Image.fromarray(picture(17, 16, 4), "CMYK"))
data = bytearray((folder / "cmyk.jpg").read_bytes())
adobe = data.find(b"Adobe")
ycck = bytes(data[:adobe + 11]) + b"\2" + bytes(data[adobe + 12:])  # the same numbers, said to be YCCK
keep("ycck.jpg", ycck, np.asarray(Image.open(io.BytesIO(ycck)).convert("RGB")))
for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    exif[0x0112] = orientation
    jpeg(f"turned_{orientation}.jpg", Image.fromarray(picture(8, 16, 3)), exif=exif.tobytes(), subsampling=0)
    if orientation == 6:  # little-endian as well
        data = (folder / "turned_6.jpg").read_bytes()
        tiff = b"II*\0\x08\0\0\0" + struct.pack("<H", 1) + struct.pack("<HHIHH", 0x0112, 3, 1, 6, 0) + bytes(4)
        segment = b"Exif\0\0" + tiff
        start = data.find(b"\xff\xe1")
        length = struct.unpack(">H", data[start + 2:start + 4])[0]
        other = data[:start] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + data[start + 2 + length:]
        keep("turned_6_little.jpg", other, np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(other)))))

for n, (source, target) in enumerate([((7, 9), (3, 4)), ((5, 4), (11, 13)), ((16, 6), (5, 12)), ((1, 1), (3, 2)), ((8, 8), (1, 1)), ((6, 7), (6, 7))]):
    values = rng.uniform(0, 1, source).astype(np.float32)
    tensors[f"resize/{n}/input"] = values
    tensors[f"resize/{n}/output"] = np.asarray(Image.fromarray(values, "F").resize(target[::-1], Image.Resampling.BILINEAR))

save_file(tensors, here / "images.safetensors")
(here / "images.safetensors").chmod(0o644)
print(sum(f.stat().st_size for f in folder.iterdir()), "bytes of files,", (here / "images.safetensors").stat().st_size, "of pixels")
