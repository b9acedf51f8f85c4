#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the data sets that ship inside scikit-learn for the training programs of this folder.

    tools/setup demo && build/venv/bin/python models/data.py [FOLDER]      (build/data by default)

FOLDER/NAME/ gets x.npy, y.npy, x_test.npy and y_test.npy, NAME being breast_cancer, diabetes,
digits, iris or wine. Every fifth sample is held out for the test. Features are float32 as they
come (digits: 8 x 8 x 1, divided by 16), classes int32, the target of diabetes float32 (N, 1).
"""
import os
import sys

import numpy as np
from sklearn import datasets


def load(name):
    """(x, y, x_test, y_test) of one set."""
    bunch = getattr(datasets, "load_" + name)()
    x, y = bunch.data.astype(np.float32), bunch.target.astype(np.int32)
    if name == "digits":
        x = (x / 16).reshape(-1, 8, 8, 1)
    if name == "diabetes":
        y = bunch.target.astype(np.float32)[:, np.newaxis]
    held = np.arange(len(x)) % 5 == 4
    return x[~held], y[~held], x[held], y[held]


def save(path, array):
    """Writes under another name and renames, so that an interrupted run leaves no half file."""
    with open(path + ".tmp", "wb") as file:
        np.save(file, np.ascontiguousarray(array))
    os.replace(path + ".tmp", path)


if __name__ == "__main__":
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "build", "data")
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.normpath(root)
    for name in ("breast_cancer", "diabetes", "digits", "iris", "wine"):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
        for part, array in zip(("x", "y", "x_test", "y_test"), load(name)):
            save(os.path.join(folder, name, part + ".npy"), array)
    print("data sets in", folder)
