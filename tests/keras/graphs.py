#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes whole Keras files that the saving tests load, with real Keras 3.

    KERAS_BACKEND=jax venv/bin/python tests/keras/graphs.py

graph.keras, graph.h5, graph.weights.h5   one model in three formats: models inside it (functional, of two
    outputs, called twice; sequential), a shared layer, operations on tensors, two inputs and two outputs, and
    the state of an optimizer after a step. graph.npz holds inputs, outputs, and the optimizer's variables.
indices.keras     operations that find indices and read by them, of rows with equal cells and with one that is no
    number. indices.npz holds its input and outputs.
"""
import os
import pathlib

os.environ.setdefault("KERAS_BACKEND", "jax")
import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import layers as L  # noqa: E402
from keras import ops  # noqa: E402

HERE = pathlib.Path(__file__).parent
RNG = np.random.default_rng(7)


def graph():
    x = keras.Input((4,), name="ii")
    inner = keras.Model(x, [L.Dense(4, name="q")(x), L.Dropout(0.5, name="drop")(x)], name="inner")
    stack = keras.Sequential([keras.Input((4,)), L.Dense(5, name="d"), L.BatchNormalization(name="bn")], name="stack")
    last = keras.Input((4,), name="li")
    tail = keras.Model(last, L.Dense(2, name="d")(last), name="tail")
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    shared = L.Dense(4, name="shared", activation="relu")
    p, q = inner(shared(a))
    r, s = inner(shared(b))
    z = 1.0 - ops.exp(ops.relu(p + q) * -0.5)
    z = ops.mean(z, axis=1, keepdims=True) / (ops.abs(s[:, 1:3]) + 2.0)
    joined = L.Concatenate(name="join")([z, stack(p), stack(r)])
    return keras.Model([a, b], [joined, tail(r)], name="graph")


def indices():
    x = keras.Input((5, 30), name="x")
    values, places = ops.top_k(x, 4)
    best = ops.top_k(x, 2)[1]  # the second result alone
    taken = ops.take_along_axis(x, best, axis=2)
    first = ops.argmax(x[:, 1:], axis=-1, keepdims=True)
    numbers = [ops.cast(y, "float32") for y in (places, first, ops.argmax(x[:, 1:], axis=2))]
    return keras.Model(x, [values, taken, *numbers], name="indices")


def write_indices():
    model = indices()
    x = np.random.default_rng(7).integers(0, 12, (3, 5, 30)).astype("float32")
    x[:, 0, 7] = np.nan
    model.save(HERE / "indices.keras")
    outputs = {f"output{i}": np.asarray(y) for i, y in enumerate(model(x))}
    np.savez(HERE / "indices.npz", input0=x, **outputs)


def main():
    model = graph()
    model.compile("adam", "mse")
    inputs = [RNG.normal(0, 1, (3, 4)).astype("float32") for _ in range(2)]
    model.fit(inputs, [np.ones((3, 12)), np.ones((3, 2))], verbose=0)
    for variable in model.trainable_variables:
        variable.assign(RNG.normal(0, 0.5, variable.shape))
    outputs = [np.asarray(y) for y in model(inputs, training=False)]
    for name in ["graph.keras", "graph.h5"]:
        model.save(HERE / name)
    model.save_weights(HERE / "graph.weights.h5")
    arrays = {f"input{i}": x for i, x in enumerate(inputs)}
    arrays |= {f"output{i}": y for i, y in enumerate(outputs)}
    arrays |= {f"slot{i:02}": np.asarray(v, "float32") for i, v in enumerate(model.optimizer.variables)}
    np.savez(HERE / "graph.npz", **arrays)
    write_indices()


if __name__ == "__main__":
    main()
