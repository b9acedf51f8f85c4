#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains the digits network with real Keras 3 and writes what is committed beside this script:

    digits.keras    architecture and weights
    expected.npy    what Keras predicts with them on the held-out digits (N 10, float32)

    python -m venv venv && venv/bin/pip install keras==3.15.1 'jax[cpu]' scikit-learn
    KERAS_BACKEND=jax venv/bin/python models/digits/train.py
"""
import os
import pathlib

os.environ.setdefault("KERAS_BACKEND", "jax")
import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import layers  # noqa: E402

import data  # noqa: E402

HERE = pathlib.Path(__file__).parent


def build():
    return keras.Sequential([
        keras.Input((8, 8, 1), name="image"),
        layers.Conv2D(16, 3, padding="same", use_bias=False),
        layers.BatchNormalization(),
        layers.Activation("relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dropout(0.3),
        layers.Dense(10, activation="softmax"),
    ], name="digits")


def main():
    keras.utils.set_random_seed(2026)
    x, y, heldX, heldY = data.load()
    model = build()
    model.summary()
    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=64, epochs=40, verbose=2)
    predictions = model.predict(heldX, verbose=0)
    print("held-out accuracy:", (predictions.argmax(1) == heldY).mean())
    # Without the optimizer's slots the file is a third of the size.
    bare = build()
    bare.set_weights(model.get_weights())
    bare.save(HERE / "digits.keras")
    np.save(HERE / "expected.npy", bare.predict(heldX, verbose=0))


if __name__ == "__main__":
    main()
