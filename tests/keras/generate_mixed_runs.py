# SPDX-License-Identifier: Apache-2.0
"""Mixed-precision training by real Keras: generate_mixed_runs.py FOLDER

Needs keras 3, jax and scikit-learn. Writes mixed_runs.json: a perceptron and a CNN with batch normalization,
under the policies float32, mixed_bfloat16 and mixed_float16, from the same weights on the same batches of real
digits for 50 steps; the loss of each step, the loss scale after it, and what the model predicts then. Models
are stored as Keras configures them. Writes mixed.keras, a trained mixed_bfloat16 model, and mixed.npz with an
input and what Keras predicts.
"""
import json
import os
import pathlib
import sys

os.environ["KERAS_BACKEND"] = "jax"
import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

ROWS, BATCH, STEPS = 320, 16, 50


def numbers(array, digits=9):
    return [float(f"{value:.{digits}g}") for value in np.asarray(array, dtype=np.float32).ravel()]


def perceptron():
    return keras.Sequential([layers.Input((64,)), layers.Dense(24, activation="relu", kernel_regularizer="l2"),
                             layers.Dense(16, activation="tanh"), layers.Dense(10),
                             layers.Activation("softmax", dtype="float32")], name="mlp")


def convolutions():
    return keras.Sequential([
        layers.Input((8, 8, 1)), layers.Conv2D(16, 3, padding="same", use_bias=False), layers.BatchNormalization(),
        layers.ReLU(), layers.MaxPooling2D(), layers.Conv2D(24, 3, padding="same"),
        layers.BatchNormalization(momentum=0.9), layers.ReLU(), layers.AveragePooling2D(2), layers.Flatten(),
        layers.Dense(10, dtype="float32")], name="cnn")


def optimizer(name, scale):
    inner = keras.optimizers.Adam(0.01) if name == "mlp" else keras.optimizers.SGD(0.01, momentum=0.5)
    return keras.optimizers.LossScaleOptimizer(inner, initial_scale=scale, dynamic_growth_steps=16) if scale else inner


def run(name, make, policy, weights, x, y, scale=0):
    keras.backend.clear_session()
    keras.config.set_dtype_policy(policy)
    keras.utils.set_random_seed(7)
    model = make()
    keras.config.set_dtype_policy("float32")
    if weights:
        model.set_weights(weights)
    first = model.get_weights()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=name == "cnn")
    model.compile(jit_compile=True, optimizer=optimizer(name, scale), loss=loss)
    losses, scales = [], []
    for step in range(STEPS):
        begin = step * BATCH % ROWS
        model.reset_metrics()
        logs = model.train_on_batch(x[begin:begin + BATCH], y[begin:begin + BATCH], return_dict=True)
        losses.append(float(logs["loss"]))
        if hasattr(model.optimizer, "dynamic_scale"):
            scales.append(float(model.optimizer.dynamic_scale))
    predicted = model.predict(x[:4], verbose=0)
    entry = {"model": name, "policy": policy, "initial_scale": scale, "losses": numbers(losses, 7), "scales": scales,
             "predicted": numbers(predicted)}
    return model, first, entry


def main(folder):
    digits = load_digits()
    pixels = digits.data[:ROWS]
    x, y = (pixels / 16).astype("float32"), digits.target[:ROWS].astype("int32")
    out = {"batch": BATCH, "pixels": [int(v) for v in pixels.ravel()], "labels": y.tolist(), "models": {}, "runs": []}
    for name, make, images in [("mlp", perceptron, x), ("cnn", convolutions, x.reshape(-1, 8, 8, 1))]:
        _, weights, entry = run(name, make, "float32", None, images, y)
        out["runs"].append(entry)
        out["models"][name] = {"weights": [numbers(w) for w in weights], "configs": {}}
        for policy, scale in [("mixed_bfloat16", 0), ("mixed_float16", 0), ("mixed_float16", 2.0**26)]:
            model, _, entry = run(name, make, policy, weights, images, y, scale)
            out["runs"].append(entry)
            out["models"][name]["configs"][policy] = json.loads(model.to_json())
            if name == "cnn" and policy == "mixed_bfloat16":
                model.save(folder / "mixed.keras")
                np.savez_compressed(folder / "mixed.npz", input=images[:8], output=np.asarray(model(images[:8]), "float32"))
    with open(folder / "mixed_runs.json.tmp", "w", encoding="utf-8") as file:
        json.dump(out, file, separators=(",", ":"))
    os.replace(folder / "mixed_runs.json.tmp", folder / "mixed_runs.json")


main(pathlib.Path(sys.argv[1]))
