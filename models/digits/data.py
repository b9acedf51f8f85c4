#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes handwritten digits: those held out as x.npy (N 8 8 1, float32, 0..1) and y.npy (N, int64), the
others, to train on, as train_x.npy and train_y.npy.

    python models/digits/data.py FOLDER

The images are the 1797 real ones that ship inside scikit-learn (UCI Optical Recognition of
Handwritten Digits). Every fifth is held out; the other four fifths are what train.py trains on.
"""
import os
import sys

import numpy as np
from sklearn.datasets import load_digits


def load():
    """(training images, training labels, held-out images, held-out labels)"""
    digits = load_digits()
    images = (digits.images / 16.0).astype(np.float32)[..., np.newaxis]
    labels = digits.target.astype(np.int64)
    held = np.arange(len(images)) % 5 == 4
    return images[~held], labels[~held], images[held], labels[held]


def save(path, array):
    """Writes under another name and renames, so that an interrupted run leaves no half file."""
    with open(path + ".tmp", "wb") as file:
        np.save(file, np.ascontiguousarray(array))
    os.replace(path + ".tmp", path)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    os.makedirs(sys.argv[1], exist_ok=True)
    trainX, trainY, x, y = load()
    save(os.path.join(sys.argv[1], "train_x.npy"), trainX)
    save(os.path.join(sys.argv[1], "train_y.npy"), trainY)
    save(os.path.join(sys.argv[1], "x.npy"), x)
    save(os.path.join(sys.argv[1], "y.npy"), y)
    print(f"{len(trainX)} digits to train on and {len(x)} held out in {sys.argv[1]}")
