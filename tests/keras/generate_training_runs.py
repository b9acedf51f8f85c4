# SPDX-License-Identifier: Apache-2.0
"""Whole training runs by real Keras: generate_training_runs.py OUTPUT.json

Needs keras 3, jax and scikit-learn. Three models start from weights that are stored, see the same
batches of real digits for 50 steps, and the loss of each step is stored, and what they predict then.
Weights go by their paths.
"""
import json
import os
import sys

os.environ["KERAS_BACKEND"] = "jax"
import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

ROWS, BATCH, STEPS = 320, 16, 50


def numbers(array):
    return [float(f"{value:.9g}") for value in np.asarray(array, dtype=np.float32).ravel()]


def run(name, model, compiled, x, ys, results):
    model.compile(jit_compile=True, **compiled)
    entry = {"name": name, "weights": {w.path.removeprefix("sequential/"): numbers(w) for w in model.weights}, "losses": []}
    for step in range(STEPS):
        begin = step * BATCH % ROWS
        rows = slice(begin, begin + BATCH)
        y = [part[rows] for part in ys]
        model.reset_metrics()
        logs = model.train_on_batch(x[rows], y if len(y) > 1 else y[0], return_dict=True)
        entry["losses"].append(float(logs["loss"]))
    predicted = model.predict(x[:4], verbose=0)
    entry["predicted"] = [numbers(p) for p in (predicted if isinstance(predicted, list) else [predicted])]
    results.append(entry)


def main(path):
    keras.utils.set_random_seed(7)
    digits = load_digits()
    pixels = digits.data[:ROWS]
    x, y = (pixels / 16).astype("float32"), digits.target[:ROWS].astype("int32")
    even = (y % 2 == 0).astype("float32").reshape(-1, 1)
    results = []
    mlp = keras.Sequential([layers.Input((64,)), layers.Dense(24, activation="relu", kernel_regularizer="l2"),
                            layers.Dense(16, activation="tanh"), layers.Dense(10, activation="softmax")])
    run("mlp", mlp, dict(optimizer=keras.optimizers.Adam(0.01), loss="sparse_categorical_crossentropy"), x, [y], results)
    keras.backend.clear_session()
    cnn = keras.Sequential([
        layers.Input((8, 8, 1)), layers.Conv2D(6, 3, padding="same", use_bias=False), layers.BatchNormalization(),
        layers.ReLU(), layers.MaxPooling2D(), layers.Conv2D(8, 3, padding="same"), layers.BatchNormalization(momentum=0.9),
        layers.ReLU(), layers.AveragePooling2D(2), layers.Flatten(), layers.Dense(10)])
    run("cnn", cnn, dict(optimizer=keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
                         loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True)), x.reshape(-1, 8, 8, 1), [y], results)
    keras.backend.clear_session()
    image = layers.Input((64,))
    hidden = layers.Dense(20, activation="gelu")(image)
    hidden = layers.LayerNormalization()(hidden)
    parity = layers.Dense(1, activation="sigmoid", name="parity")(layers.Dense(8, activation="elu")(hidden))
    digit = layers.Dense(10, activation="softmax", name="digit")(layers.Add()([hidden, layers.Dense(20)(hidden)]))
    both = keras.Model(image, [digit, parity])
    run("two_outputs", both, dict(optimizer=keras.optimizers.AdamW(0.005, clipnorm=1.0),
                                  loss=["sparse_categorical_crossentropy", "binary_crossentropy"], loss_weights=[1.0, 0.5]),
        x, [y, even], results)
    data = {"batch": BATCH, "pixels": [int(v) for v in pixels.ravel()], "labels": y.tolist(), "runs": results}
    with open(path + ".tmp", "w", encoding="utf-8") as file:
        json.dump(data, file, separators=(",", ":"))
    os.replace(path + ".tmp", path)


main(sys.argv[1])
