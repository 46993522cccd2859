#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What benchmarks/detection.cpp times, in PyTorch: suppression as torchvision's operator does it, written out, and decoding as the code of
CenterNet does it. Prints the medians in microseconds.

    python3 detection.py [--threads 1] [--repeat 50]
"""
import argparse
import statistics
import time

import torch


def nms(boxes, scores, threshold):
    order = scores.argsort(descending=True, stable=True)
    b = boxes[order]
    area = (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])
    shared = (torch.minimum(b[:, None, 2:], b[None, :, 2:]) - torch.maximum(b[:, None, :2], b[None, :, :2])).clamp_(min=0).prod(2)
    over = (shared / (area[:, None] + area - shared) > threshold).numpy()
    gone = over.diagonal() & False
    kept = []
    for i in range(len(gone)):
        if not gone[i]:
            kept.append(i)
            gone |= over[i]
    return order[kept]


def batched_nms(boxes, scores, labels, threshold):
    return nms(boxes + (labels * (boxes.max() + 1))[:, None], scores, threshold)


def decode(prediction, k=100, stride=4):
    heat = prediction[:, :-4].sigmoid()
    n, c, h, w = heat.shape
    heat = heat * (torch.nn.functional.max_pool2d(heat, 3, 1, 1) == heat)
    scores, at = heat.flatten(1).topk(k)
    labels, cell = at // (h * w), at % (h * w)
    sizes = prediction[:, -4:].flatten(2).gather(2, cell[:, None].expand(n, 4, k))
    x, y = cell % w + sizes[:, 2], cell // w + sizes[:, 3]
    half = sizes[:, :2] / 2
    return torch.stack([x - half[:, 0], y - half[:, 1], x + half[:, 0], y + half[:, 1]], 2) * stride, labels, scores


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=50)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)

    def boxes(side):
        corner = torch.rand(1000, 2) * side
        return torch.cat([corner, corner + 10 + 50 * torch.rand(1000, 2)], 1)

    spread, crowded, scores, labels = boxes(1000), boxes(100), torch.rand(1000), torch.randint(10, (1000,))
    maps = torch.randn(8, 14, 128, 128) - 2
    for name, run in [("nms, spread boxes    ", lambda: nms(spread, scores, 0.5)),
                      ("nms, crowded boxes   ", lambda: nms(crowded, scores, 0.5)),
                      ("batched_nms, crowded ", lambda: batched_nms(crowded, scores, labels, 0.5)),
                      ("decode 8 128x128 maps", lambda: decode(maps))]:
        times = []
        for i in range(args.repeat + 3):
            start = time.perf_counter()
            run()
            if i >= 3:
                times.append(1e6 * (time.perf_counter() - start))
        print(name, round(statistics.median(times), 1), "us")


if __name__ == "__main__":
    main()
