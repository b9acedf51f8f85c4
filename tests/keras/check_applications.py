#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whole models against real Keras: the same weights, the same inputs, through the command line.

    check_applications.py --cornet build/release/bin/cornet --work DIR [--models mobilenetv2,resnet50] [--rows 4]

For each of keras.applications' models (weights=None, seeded) it saves a .keras file, compiles it with
`cornet compile`, runs both on the same random images and requires cosine >= 0.99999 for every row and
equal top-1. Prints one line per model; the exit code is 1 when any misses.
"""
import argparse
import os
import pathlib
import subprocess
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")
import keras  # noqa: E402
import numpy as np  # noqa: E402

BUILDERS = {
    "mobilenetv2": lambda: keras.applications.MobileNetV2(weights=None),
    "resnet50": lambda: keras.applications.ResNet50(weights=None),
}


def randomize_statistics(model, seed):
    """Fresh batch norms are the identity and would hide a swapped statistic: give them values."""
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        if "moving_mean" in variable.path or "beta" in variable.path:
            variable.assign(rng.normal(0, 0.1, variable.shape).astype("float32"))
        if "moving_variance" in variable.path or "gamma" in variable.path:
            variable.assign(rng.uniform(0.8, 1.2, variable.shape).astype("float32"))


def check(name, cornet, work, rows):
    keras.utils.set_random_seed(7)
    model = BUILDERS[name]()
    randomize_statistics(model, 7)
    x = np.random.default_rng(8).normal(0, 1, (rows, 224, 224, 3)).astype("float32")
    want = np.asarray(model(x, training=False))
    saved, artifact = work / f"{name}.keras", work / f"{name}.cornet"
    model.save(saved)
    np.save(work / "x.npy", x)
    subprocess.run([cornet, "compile", saved, "-o", artifact], check=True)
    subprocess.run([cornet, "run", artifact, "--input", work / "x.npy", "--output", work / "y.npy"], check=True)
    got = np.load(work / "y.npy")
    cosine = np.sum(got * want, 1) / (np.linalg.norm(got, axis=1) * np.linalg.norm(want, axis=1))
    same = np.array_equal(got.argmax(1), want.argmax(1))
    good = bool(cosine.min() >= 0.99999) and same
    print(f"{name}: lowest cosine {cosine.min():.8f}, largest difference {np.abs(got - want).max():.2e}, "
          f"top-1 {'equal' if same else 'DIFFERENT'} on {rows} rows: {'ok' if good else 'FAILED'}", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cornet", required=True, type=pathlib.Path)
    parser.add_argument("--work", required=True, type=pathlib.Path)
    parser.add_argument("--models", default=",".join(BUILDERS))
    parser.add_argument("--rows", type=int, default=4)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    results = [check(name, args.cornet.resolve(), args.work, args.rows) for name in args.models.split(",")]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
