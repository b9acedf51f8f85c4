#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes metrics.json: what real Keras computes for every metric and option over several batches.

    KERAS_BACKEND=jax python3 tests/keras/generate_metrics.py

needs keras 3 and jax. A case is a metric's class and options and its batches; each has targets,
predictions, perhaps weights, the metric's variables after it in Keras's order, and its result. What
its string names are stands in "names"."""
import json
import os
import pathlib

os.environ.setdefault("KERAS_BACKEND", "jax")
import keras
import numpy as np

rng = np.random.default_rng(11)
cases = []


def array(x):
    x = np.asarray(x)
    kind = "int32" if np.issubdtype(x.dtype, np.integer) else "float32"
    cells = x.reshape(-1).tolist()
    return {"shape": list(x.shape), "dtype": kind,
            "data": cells if kind == "int32" else [float(f"{v:.9g}") for v in cells]}


def weights_for(y_true, how):
    """None, one for each sample, or one for each of the first dimensions."""
    if not how:
        return None
    return rng.uniform(0, 2, y_true.shape[:how]).astype("float32")


def case(kind, draw, options=None, label="", how=(0, 1), sizes=(4, 6, 3), integer_weights=False):
    """`draw(batch)` gives targets and predictions; one case for each number of weights' dimensions."""
    options = options or {}
    for dimensions in how:
        metric = getattr(keras.metrics, kind)(**options)
        batches = []
        for size in sizes:
            y_true, y_pred = (np.asarray(v) for v in draw(size))
            y_true, y_pred = (v.astype("float32") if v.dtype.kind == "f" else v for v in (y_true, y_pred))
            weight = weights_for(y_pred if y_true.ndim == 0 else y_true, dimensions)
            if weight is not None and integer_weights:
                weight = np.round(weight * 3)
            if kind in ("Mean", "Sum"):
                metric.update_state(y_pred, sample_weight=weight)
            else:
                metric.update_state(y_true, y_pred, sample_weight=weight)
            batch = {"y_true": array(y_true), "y_pred": array(y_pred)}
            if weight is not None:
                batch["sample_weight"] = array(weight)
            batch["variables"] = [array(np.asarray(v.value, "float32")) for v in metric.variables]
            batch["result"] = array(np.asarray(metric.result(), "float32"))
            batches.append(batch)
        name = "_".join(p for p in [kind, label, ["", "weighted", "weighted2", "weighted3"][dimensions]] if p)
        cases.append({"name": name, "metric": kind, "options": options,
                      "direction": getattr(metric, "_direction", None) or "", "batches": batches})


def normal(*shape):
    return lambda n: (rng.normal(size=(n, *shape)), rng.normal(size=(n, *shape)))


def positive(*shape):
    return lambda n: (rng.uniform(0, 4, (n, *shape)), rng.uniform(0, 4, (n, *shape)))


def softmax(x):
    e = np.exp(x)
    return e / e.sum(-1, keepdims=True)


def classes(count, *shape, logits=False, column=False):
    def draw(n):
        scores = rng.normal(size=(n, *shape, count)) * 2
        y = rng.integers(0, count, (n, *shape, 1) if column else (n, *shape))
        return y, scores if logits else softmax(scores)
    return draw


def one_hot(count, *shape, logits=False):
    def draw(n):
        y, p = classes(count, *shape, logits=logits)(n)
        return np.eye(count, dtype="float32")[y], p
    return draw


def binary(*shape, logits=False, steps=0):
    """Predictions are a little like the labels; with `steps` they lie on thresholds, too."""
    def draw(n):
        y = rng.integers(0, 2, (n, *shape))
        p = rng.uniform(0, 1, (n, *shape)) * 0.8 + 0.2 * y
        if steps:
            p = np.round(p * steps) / steps
        return y, np.log(p / (1 - p)) if logits else p
    return draw


case("Mean", lambda n: (0.0, rng.normal(size=(n,))))
case("Mean", lambda n: (0.0, rng.normal(size=(n, 3, 2))), label="cube", how=(0, 1, 2, 3))
case("Sum", lambda n: (0.0, rng.normal(size=(n,))))
case("Sum", lambda n: (0.0, rng.normal(size=(n, 3, 2))), label="cube", how=(0, 1, 2, 3))

for kind in ["MeanSquaredError", "RootMeanSquaredError", "MeanAbsoluteError", "LogCoshError",
             "MeanAbsolutePercentageError", "CosineSimilarity"]:
    case(kind, normal(3))
case("RootMeanSquaredError", normal(3, 2), label="cube", how=(0, 1, 2))
case("MeanSquaredError", normal(3, 2), label="cube", how=(0, 1, 2))
case("CosineSimilarity", normal(3, 2), {"axis": 1}, label="axis")
case("MeanSquaredLogarithmicError", positive(3))
case("Poisson", positive(3))
case("KLDivergence", lambda n: (softmax(rng.normal(size=(n, 3))), softmax(rng.normal(size=(n, 3)))))
case("Hinge", lambda n: (rng.integers(0, 2, (n, 3)), rng.normal(size=(n, 3))))
case("SquaredHinge", lambda n: (rng.integers(0, 2, (n, 3)) * 2 - 1, rng.normal(size=(n, 3))))
case("CategoricalHinge", one_hot(4, logits=True))
case("BinaryCrossentropy", binary(3))
case("BinaryCrossentropy", binary(3, logits=True), {"from_logits": True, "label_smoothing": 0.1}, "logits")
case("CategoricalCrossentropy", one_hot(4))
case("CategoricalCrossentropy", one_hot(4, logits=True), {"from_logits": True, "label_smoothing": 0.1}, "logits")
case("SparseCategoricalCrossentropy", classes(4))
case("SparseCategoricalCrossentropy", classes(4, logits=True), {"from_logits": True}, "logits")
case("SparseCategoricalCrossentropy", classes(4), {"ignore_class": 1}, "ignore", sizes=(9, 8))
case("SparseCategoricalCrossentropy", classes(4, 5), {"ignore_class": 1}, "ignore_time", how=(0, 2))
case("PearsonCorrelation", normal(5))
case("ConcordanceCorrelation", normal(5))
case("PearsonCorrelation", normal(5, 3), {"axis": 1}, label="axis")
case("ConcordanceCorrelation", normal(5, 3), {"axis": 1}, label="axis")

case("Accuracy", lambda n: (rng.integers(0, 3, (n, 4)), rng.integers(0, 3, (n, 4))), how=(0, 1, 2))
case("Accuracy", lambda n: (rng.integers(0, 3, (n,)), rng.integers(0, 3, (n, 1)).astype("float32")), label="column")
case("BinaryAccuracy", binary(3))
case("BinaryAccuracy", binary(1), {"threshold": 0.7}, "threshold")
case("BinaryAccuracy", lambda n: (binary()(n)[0], binary(1)(n)[1]), label="column")
case("CategoricalAccuracy", one_hot(4))
case("CategoricalAccuracy", one_hot(4, 3), label="time", how=(0, 1, 2))
case("CategoricalAccuracy", lambda n: (one_hot(4)(n)[0], rng.integers(0, 2, (n, 4)).astype("float32")), label="ties")
case("SparseCategoricalAccuracy", classes(4))
case("SparseCategoricalAccuracy", classes(4, column=True), label="column")
case("SparseCategoricalAccuracy", classes(4, 3), label="time", how=(0, 1, 2))
case("TopKCategoricalAccuracy", one_hot(8))
case("TopKCategoricalAccuracy", one_hot(8, 3), {"k": 2}, "time")
case("SparseTopKCategoricalAccuracy", classes(8), {"k": 3})
case("SparseTopKCategoricalAccuracy", classes(8, 3), {"k": 2}, "time")
case("SparseTopKCategoricalAccuracy", classes(3), {"k": 5}, "few")
case("SparseTopKCategoricalAccuracy",
     lambda n: (rng.integers(0, 6, n), np.argsort(rng.normal(size=(n, 6))).astype("float32")),
     {"k": 2, "from_sorted_ids": True}, "sorted")

for kind in ["TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives"]:
    case(kind, binary())
    case(kind, binary(3), {"thresholds": [0.2, 0.5, 0.9]}, "thresholds", how=(0, 1, 2))
case("TruePositives", binary(3, steps=4), {"thresholds": [0.0, 0.5, 1.0]}, "even")
case("FalsePositives", binary(3, steps=4), {"thresholds": [0.0, 0.25, 0.5, 0.75, 1.0]}, "even")
for kind in ["Precision", "Recall"]:
    case(kind, binary())
    case(kind, lambda n: (binary()(n)[0], binary(1)(n)[1]), label="column")
    case(kind, binary(3), {"thresholds": [0.3, 0.6]}, "thresholds", how=(0, 1, 2))
    case(kind, binary(3, steps=4), {"thresholds": [0.0, 0.5, 1.0]}, "even")
    case(kind, one_hot(5), {"top_k": 2}, "top_k")
    case(kind, one_hot(5), {"class_id": 2, "thresholds": [0.2]}, "class_id")
    case(kind, one_hot(5), {"top_k": 3, "class_id": 2}, "top_k_class_id")
    case(kind, lambda n: (one_hot(5)(n)[0], rng.integers(0, 3, (n, 5)) / 2), {"top_k": 2}, "ties")

for kind, argument in [("SensitivityAtSpecificity", "specificity"), ("SpecificityAtSensitivity", "sensitivity"),
                       ("PrecisionAtRecall", "recall"), ("RecallAtPrecision", "precision")]:
    case(kind, binary(), {argument: 0.6, "num_thresholds": 20}, sizes=(12, 9))
    case(kind, binary(3), {argument: 0.7, "num_thresholds": 11, "class_id": 1}, "class_id", sizes=(12, 9))
    case(kind, binary(), {argument: 0.4, "num_thresholds": 1}, "one", sizes=(12, 9))

for curve in ["ROC", "PR", "PRGAIN"]:
    for method in ["interpolation", "minoring", "majoring"]:
        case("AUC", binary(), {"num_thresholds": 17, "curve": curve, "summation_method": method},
             f"{curve}_{method}", sizes=(12, 9))
case("AUC", binary(), {}, "default", sizes=(20, 30), how=(0,))
case("AUC", binary(1, steps=8), {"num_thresholds": 9}, "steps", sizes=(20, 11))
case("AUC", binary(), {"thresholds": [0.7, 0.2, 0.4]}, "thresholds", sizes=(12, 9))
case("AUC", binary(), {"thresholds": [0.25, 0.5, 0.75]}, "even", sizes=(12, 9))
case("AUC", binary(logits=True), {"num_thresholds": 11, "from_logits": True}, "logits", sizes=(12, 9))
for extra, label in [({}, ""), ({"label_weights": [1.0, 0.5, 2.0]}, "_weights"), ({"curve": "PR"}, "_PR")]:
    case("AUC", binary(3), {"num_thresholds": 11, "multi_label": True, **extra}, "labels" + label, sizes=(12, 9))
case("AUC", binary(3), {"num_thresholds": 11, "label_weights": [1.0, 0.5, 2.0]}, "label_weights", sizes=(12, 9))
case("AUC", binary(3), {"multi_label": True, "thresholds": [0.3, 0.6], "num_labels": 3}, "labels_thresholds",
     sizes=(12, 9), how=(0,))

for average in [None, "micro", "macro", "weighted"]:
    options = {"average": average} if average else {}
    case("F1Score", one_hot(4), options, f"{average}_average" if average else "")
    case("FBetaScore", one_hot(4), {**options, "beta": 0.5, "threshold": 0.4}, (average or "") + "threshold")

case("IoU", lambda n: (rng.integers(0, 3, n), rng.integers(0, 3, n)),
     {"num_classes": 3, "target_class_ids": [0, 2]}, integer_weights=True)
case("IoU", lambda n: (rng.integers(0, 4, (n, 5, 2)), rng.integers(0, 3, (n, 5, 2))),
     {"num_classes": 3, "target_class_ids": [0, 1]}, "image", how=(0, 3), integer_weights=True)
case("IoU", lambda n: (rng.integers(0, 3, n), rng.integers(0, 3, n)),
     {"num_classes": 3, "target_class_ids": [1, 2], "ignore_class": 1}, "ignore")
case("BinaryIoU", binary(6), how=(0, 2))
case("BinaryIoU", binary(), {"target_class_ids": [1], "threshold": 0.3}, "threshold", integer_weights=True)
case("MeanIoU", lambda n: (rng.integers(0, 3, n), rng.integers(0, 3, n)), {"num_classes": 5}, integer_weights=True)
case("MeanIoU", one_hot(4, 3), {"num_classes": 4, "sparse_y_true": False, "sparse_y_pred": False}, "dense", how=(0,))
case("OneHotIoU", one_hot(3), {"num_classes": 3, "target_class_ids": [0, 2]}, integer_weights=True)
case("OneHotMeanIoU", one_hot(3), {"num_classes": 3}, integer_weights=True)
case("OneHotMeanIoU", lambda n: (one_hot(3)(n)[0], rng.integers(0, 3, n)),
     {"num_classes": 3, "sparse_y_pred": True, "ignore_class": 0}, "sparse", how=(0,))

case("R2Score", normal(3))
for aggregation in [None, "variance_weighted_average"]:
    case("R2Score", normal(3), {"class_aggregation": aggregation}, aggregation or "none")
case("R2Score", normal(1), {"num_regressors": 2}, "regressors", sizes=(5, 4))
case("R2Score", normal(1), {"num_regressors": 7}, "many_regressors", sizes=(5, 4), how=(0,))


def names(module, taken):
    """Keras's string names that make an object without arguments, and the class they make."""
    out = {}
    for name in module.ALL_OBJECTS_DICT:
        try:
            made = module.get(name)
        except TypeError:
            continue
        out[name] = taken(made)
    return out


import keras.src.losses as losses_module
import keras.src.metrics as metrics_module

path = pathlib.Path(__file__).parent / "metrics.json"
document = {"keras": keras.__version__,
            "losses": sorted(n for n in names(losses_module, str)
                             if n not in ("Loss", "LossFunctionWrapper")),
            "metrics": {n: c for n, c in names(metrics_module, lambda m: type(m).__name__).items() if n not in ("Metric", "metric")}}
path.write_text(json.dumps(document, separators=(",", ":"))[:-1] + ',"cases": [\n' +
                ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]}\n")
print(len(cases), "cases,", path.stat().st_size, "bytes")
