# SPDX-License-Identifier: MIT
"""What runs with several seeds come to."""
import math
import statistics


def mean_and_error(values):
    """The mean, and its standard error; 0 for a single value."""
    return statistics.fmean(values), statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else 0.0
