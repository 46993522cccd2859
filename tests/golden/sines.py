# SPDX-License-Identifier: MIT
"""Parameters that a test in C++ makes as well: sines of their place among all, in the order in which they are taken."""
import numpy as np
import torch


class Sines:
    def __init__(self):
        self.count, self.all = 0, []

    def take(self, *shape):
        size = int(np.prod(shape))
        values = 0.6 * np.sin(1.7 * np.arange(self.count, self.count + size) + 0.3)
        self.count += size
        self.all.append(torch.tensor(values.reshape(shape), requires_grad=True))
        return self.all[-1]
