#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The way back: PyTorch loads files that this library wrote, strictly, and gives the same outputs.

    python tests/io/pytorch_back.py build/dev/tests/test_io

The arguments are the command that runs the tests of io/. Ends with 77, skipped, where torch or safetensors are missing.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

try:
    import torch
    from safetensors.torch import load_file
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "golden"))
from make_pytorch_models import channels_last, networks  # noqa: E402


def channels_first(x):
    return x.permute(0, 3, 1, 2).contiguous() if x.dim() == 4 else x


def main():
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([*sys.argv[1:], "[pytorch_back]"], check=True, env={**os.environ, "ESPALIER_PYTORCH_BACK": folder})
        for name, (model, _) in networks().items():
            expected = load_file(pathlib.Path(folder) / f"{name}.expected.safetensors")
            model.load_state_dict(load_file(pathlib.Path(folder) / f"{name}.safetensors"), strict=True)
            with torch.no_grad():
                outputs = model.eval()(channels_first(expected.pop("input")))
            outputs = outputs if isinstance(outputs, dict) else {"output": outputs}
            assert outputs.keys() == expected.keys(), f"{name}: expected {expected.keys()}, got {outputs.keys()}"
            for task, output in outputs.items():
                difference = (channels_last(output) - expected[task]).abs().max() / expected[task].abs().max()
                assert difference < 1e-5, f"{name}: expected '{task}' within 1e-5, got a difference of {difference}"
                worst = max(worst, float(difference))
    print(f"{len(networks())} networks, largest relative difference {worst:.1e}")


if __name__ == "__main__":
    main()
