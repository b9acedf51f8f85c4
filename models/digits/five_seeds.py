#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Trains the digits network with real Keras from five seeds and writes five_seeds.json: the held-out
accuracy of each, which train.cpp's are compared with.

    KERAS_BACKEND=jax venv/bin/python models/digits/five_seeds.py
"""
import json
import os
import pathlib

os.environ.setdefault("KERAS_BACKEND", "jax")
import keras  # noqa: E402

import data  # noqa: E402
import train  # noqa: E402

EPOCHS, BATCH, RATE = 20, 64, 3e-3


def main():
    x, y, heldX, heldY = data.load()
    accuracies = []
    for seed in range(1, 6):
        keras.utils.set_random_seed(seed)
        model = train.build()
        model.compile(keras.optimizers.Adam(RATE), "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, verbose=0)
        accuracies.append(float(model.evaluate(heldX, heldY, verbose=0, return_dict=True)["accuracy"]))
        print(f"seed {seed}: {accuracies[-1]:.4f}", flush=True)
    found = {"keras": keras.version(), "epochs": EPOCHS, "batch": BATCH, "learning_rate": RATE, "accuracy": accuracies}
    path = pathlib.Path(__file__).parent / "five_seeds.json"
    path.write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
