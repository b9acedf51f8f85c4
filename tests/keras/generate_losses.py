#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes losses.json: what real Keras computes for every loss, option and reduction, and its
gradient by y_pred.

    KERAS_BACKEND=jax python3 tests/keras/generate_losses.py

needs keras 3 and jax. Each case is a loss's class and options, its targets and predictions, the
values of call(), the gradient of the loss by the predictions, and the loss for each reduction with
and without weights."""
import json
import os
import pathlib

os.environ.setdefault("KERAS_BACKEND", "jax")
import jax
import jax.numpy as jnp
import keras
import numpy as np

rng = np.random.default_rng(7)
REDUCTIONS = ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none"]
cases = []


def array(x):
    x = np.asarray(x)
    kind = "int32" if np.issubdtype(x.dtype, np.integer) else "float32"
    cells = x.reshape(-1).tolist()
    return {"shape": list(x.shape), "dtype": kind,
            "data": cells if kind == "int32" else [float(f"{v:.9g}") for v in cells]}


def case(kind, y_true, y_pred, options=None, weights=True, label="", gradient=True):
    options = options or {}
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred, "float32")
    if y_true.dtype.kind == "f":
        y_true = y_true.astype("float32")
    make = getattr(keras.losses, kind)
    loss = make(**options)
    # As Loss.__call__ does: all is f32 before call().
    values = np.asarray(loss.call(jnp.asarray(y_true, "float32"), jnp.asarray(y_pred)))
    weighted = {"": None}
    if weights and values.ndim:
        weighted["sample"] = rng.uniform(0, 2, values.shape[:1]).astype("float32")
        if values.ndim > 1:
            weighted["sample"] = rng.uniform(0, 2, values.shape).astype("float32")
            weighted["column"] = rng.uniform(0, 2, values.shape[:1] + (1,)).astype("float32")
    results = []
    for reduction in REDUCTIONS:
        for name, weight in weighted.items():
            one = make(**options, reduction=reduction)
            result = {"reduction": reduction, "loss": array(one(y_true, y_pred, sample_weight=weight))}
            if weight is not None:
                result["sample_weight"] = array(weight)
            results.append(result)
    record = {"name": kind + ("_" + label if label else ""), "loss": kind, "options": options,
              "y_true": array(y_true), "y_pred": array(y_pred), "values": array(values),
              "results": results}
    if gradient:
        slope = jax.grad(lambda p: jnp.sum(loss(y_true, p)))(jnp.asarray(y_pred))
        record["gradient"] = array(slope)
    cases.append(record)


def probabilities(*shape):
    e = np.exp(rng.normal(size=shape))
    return e / e.sum(-1, keepdims=True)


def one_hot(labels, classes):
    return np.eye(classes, dtype="float32")[labels]


def normal(*shape):
    return rng.normal(size=shape)


def uniform(*shape, low=0.0, high=1.0):
    return rng.uniform(low, high, shape)


def labels(classes, *shape):
    return rng.integers(0, classes, shape)


for kind in ["MeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "LogCosh",
             "CosineSimilarity", "Huber"]:
    case(kind, normal(4, 3), normal(4, 3))
    case(kind, normal(3, 2, 5), normal(3, 2, 5), label="time")
    case(kind, normal(4), normal(4, 1), label="vector_and_column")
    case(kind, normal(4, 1), normal(4), label="column_and_vector")
    case(kind, labels(5, 4, 3), normal(4, 3), label="integers")
    case(kind, normal(3, 2), normal(3, 2, 1), label="squeezed")
for kind in ["MeanSquaredLogarithmicError", "Poisson"]:
    case(kind, uniform(4, 3, high=4), uniform(4, 3, high=4))
    case(kind, labels(5, 4, 3), uniform(4, 3, high=4), label="integers")
case("MeanSquaredLogarithmicError", normal(4, 3), normal(4, 3), label="negative")
case("Huber", normal(4, 3) * 3, normal(4, 3), {"delta": 0.5}, label="delta")
case("CosineSimilarity", normal(4, 3), normal(4, 3), {"axis": 1}, label="axis")
case("CosineSimilarity", normal(4, 3, 2), normal(4, 3, 2), {"axis": 1}, label="axis1")
zero = normal(3, 4)
zero[1] = 0
case("CosineSimilarity", zero, normal(3, 4), label="zero")

for kind in ["Hinge", "SquaredHinge"]:
    case(kind, labels(2, 4, 3), normal(4, 3), label="binary")
    case(kind, labels(2, 4, 3) * 2 - 1, normal(4, 3), label="signs")
    case(kind, labels(3, 4, 3) - 1, normal(4, 3), label="mixed")
    case(kind, labels(2, 5), normal(5, 1), label="column")
case("CategoricalHinge", one_hot(labels(4, 5), 4), normal(5, 4))
case("CategoricalHinge", one_hot(labels(4, 3, 2), 4), normal(3, 2, 4), label="time")
case("KLDivergence", probabilities(4, 3), probabilities(4, 3))
case("KLDivergence", one_hot(labels(3, 4), 3), probabilities(4, 3), label="one_hot")

for options, label in [({}, ""), ({"label_smoothing": 0.2}, "smooth")]:
    case("BinaryCrossentropy", labels(2, 4, 3), uniform(4, 3), options, label=label)
    case("BinaryCrossentropy", labels(2, 4, 3), normal(4, 3) * 3, options | {"from_logits": True},
         label=label + "logits")
    case("BinaryFocalCrossentropy", labels(2, 4, 3), uniform(4, 3), options, label=label)
    case("BinaryFocalCrossentropy", labels(2, 4, 3), normal(4, 3), options | {"from_logits": True},
         label=label + "logits")
    for kind in ["CategoricalCrossentropy", "CategoricalFocalCrossentropy"]:
        case(kind, one_hot(labels(4, 5), 4), probabilities(5, 4), options, label=label)
        case(kind, one_hot(labels(4, 5), 4), normal(5, 4) * 2, options | {"from_logits": True},
             label=label + "logits")
case("BinaryCrossentropy", labels(2, 6), uniform(6, 1), label="column")
case("BinaryCrossentropy", labels(2, 4, 3, 2), uniform(4, 3, 2), {"axis": 1}, label="axis")
case("BinaryCrossentropy", labels(2, 3, 2), normal(3, 2, 1), {"from_logits": True}, label="squeezed")
case("BinaryCrossentropy", [[0., 1., 1., 0.]], [[0., 1., 0., 1.]], label="clipped")
case("BinaryCrossentropy", labels(2, 4, 3), normal(4, 3) * 60, {"from_logits": True}, label="large")
case("BinaryFocalCrossentropy", labels(2, 4, 3), uniform(4, 3), {"apply_class_balancing": True},
     label="balanced")
case("BinaryFocalCrossentropy", labels(2, 4, 3), uniform(4, 3),
     {"apply_class_balancing": True, "alpha": 0.6, "gamma": 1.5}, label="gamma")
case("CategoricalCrossentropy", one_hot(labels(4, 3, 2), 4), probabilities(3, 2, 4), label="time")
case("CategoricalCrossentropy", one_hot(labels(3, 2, 4), 3).transpose(0, 2, 1), normal(2, 3, 4),
     {"from_logits": True, "axis": 1}, label="axis")
case("CategoricalCrossentropy", one_hot(labels(4, 5), 4), probabilities(5, 4) * 3, label="unscaled")
case("CategoricalCrossentropy", [[1., 0.], [0., 1.]], [[0., 1.], [0., 1.]], label="clipped")
case("CategoricalCrossentropy", one_hot(labels(4, 5), 4), normal(5, 4) * 60, {"from_logits": True},
     label="large")
case("CategoricalFocalCrossentropy", one_hot(labels(4, 5), 4), probabilities(5, 4),
     {"alpha": 0.5, "gamma": 1.5}, label="gamma")

for logits in [False, True]:
    options = {"from_logits": True} if logits else {}
    label = "logits" if logits else ""
    scores = (lambda *s: normal(*s) * 2) if logits else probabilities
    kind = "SparseCategoricalCrossentropy"
    case(kind, labels(4, 5), scores(5, 4), options, label=label)
    case(kind, labels(4, 5, 1), scores(5, 4), options, label=label + "column")
    case(kind, labels(4, 5).astype("float32"), scores(5, 4), options, label=label + "real")
    case(kind, labels(4, 3, 2), scores(3, 2, 4), options, label=label + "time")
    case(kind, np.array([0, 2, 3, 2, 1]), scores(5, 4), options | {"ignore_class": 2},
         label=label + "ignore")
    case(kind, np.array([[0, -1], [3, 1], [-1, -1]]), scores(3, 2, 4), options | {"ignore_class": -1},
         label=label + "ignore_minus")
    case(kind, np.array([0, -1, 7]), scores(3, 4), options, label=label + "outside")

masks = labels(2, 2, 3, 4, 1)
for kind, options in [("Dice", {}), ("Tversky", {}), ("Tversky", {"alpha": 0.3, "beta": 0.8})]:
    label = "weights" if options else ""
    case(kind, masks, uniform(2, 3, 4, 1), options, label=label)
    case(kind, masks, uniform(2, 3, 4, 1), options | {"axis": [1, 2, 3]}, label=label + "axes")
    case(kind, masks, uniform(2, 3, 4, 1), options | {"axis": [1]}, label=label + "axis")

unit = normal(6, 4)
unit /= np.linalg.norm(unit, axis=1, keepdims=True)
case("Circle", np.array([0, 1, 0, 1, 2, 1]), unit)
case("Circle", np.array([0, 1, 0, 1, 2, 1]), unit, {"gamma": 20., "margin": 0.25}, label="gamma")
case("Circle", np.array([0, 1, 0, 1, 2, 1]), unit, {"remove_diagonal": False}, label="diagonal")
case("Circle", np.array([[0], [1], [0], [1]]), unit[:4], label="column")
case("CategoricalGeneralizedCrossEntropy", labels(4, 5), probabilities(5, 4))
case("CategoricalGeneralizedCrossEntropy", labels(4, 3, 2), probabilities(3, 2, 4), {"q": 0.2},
     label="q")

case("CTC", np.array([[1, 2, 2], [3, 0, 0], [1, 3, 0]]), normal(3, 7, 4))
case("CTC", np.array([[1, 1, 1, 1], [1, 2, 3, 4], [0, 0, 0, 0]]), normal(3, 8, 5) * 3, label="tight")

path = pathlib.Path(__file__).parent / "losses.json"
path.write_text('{"keras": "%s", "cases": [\n' % keras.__version__ +
                ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]}\n")
print(len(cases), "cases,", path.stat().st_size, "bytes")
