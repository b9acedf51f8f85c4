#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the vectors the regularizer and constraint tests compare against, with real Keras 3.

    KERAS_BACKEND=jax venv/bin/python tests/keras/generate_regularizers.py

regularizers.json   weights: {name: {shape, data}} of rank 1, 2 and 4. regularizers and constraints: {name, weight, object
                    (as Keras serializes it), result}.
"""
import json
import os
import pathlib

os.environ.setdefault("KERAS_BACKEND", "jax")
import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import constraints as C  # noqa: E402
from keras import regularizers as R  # noqa: E402

HERE = pathlib.Path(__file__).parent
RNG = np.random.default_rng(2026)


def cells(value):
    return [float(f"{v:.9g}") for v in np.asarray(value, "float32").reshape(-1)]


WEIGHTS = {f"rank{len(shape)}": RNG.normal(0, 1, shape).astype("float32") for shape in ((7,), (4, 5), (3, 2, 2, 3))}
WEIGHTS["rank2_zero"] = np.where(np.arange(5) == 2, 0, WEIGHTS["rank2"]).astype("float32")  # a column of zeros

REGULARIZERS = {
    "l1": R.L1(), "l1_strong": R.L1(0.3), "l2": R.L2(), "l2_strong": R.L2(0.3), "l1_l2": R.L1L2(0.1, 0.2),
    "l1_l2_none": R.L1L2(), "l1_l2_second": R.L1L2(l2=0.1),
    "orthogonal": R.OrthogonalRegularizer(), "orthogonal_columns": R.OrthogonalRegularizer(0.5, "columns"),
}
CONSTRAINTS = {
    "max_norm": C.MaxNorm(), "max_norm_low": C.MaxNorm(0.8), "max_norm_last": C.MaxNorm(0.8, axis=-1),
    "non_neg": C.NonNeg(), "unit_norm": C.UnitNorm(), "unit_norm_last": C.UnitNorm(axis=-1),
    "min_max_norm": C.MinMaxNorm(), "min_max_norm_rate": C.MinMaxNorm(1.5, 1.8, rate=0.3),
}
WINDOW = {"max_norm_window": C.MaxNorm(0.8, axis=[0, 1, 2]), "unit_norm_window": C.UnitNorm(axis=[0, 1, 2]),
          "min_max_norm_window": C.MinMaxNorm(0.5, 0.9, rate=0.5, axis=[0, 1, 2])}


def cases(objects, serialize, ranks=tuple(WEIGHTS)):
    return [{"name": f"{name}_{weight}", "weight": weight, "object": serialize(made), "result": cells(made(keras.ops.convert_to_tensor(WEIGHTS[weight])))}
            for name, made in objects.items() for weight in ranks
            if not (name.startswith("orthogonal") and WEIGHTS[weight].ndim != 2)]


if __name__ == "__main__":
    document = {
        "keras": keras.__version__,
        "weights": {name: {"shape": list(value.shape), "data": cells(value)} for name, value in WEIGHTS.items()},
        "regularizers": cases(REGULARIZERS, R.serialize),
        "constraints": cases(CONSTRAINTS, C.serialize) + cases(WINDOW, C.serialize, ("rank4",)),
    }
    (HERE / "regularizers.json").write_text(json.dumps(document, separators=(",", ":")))
    print(len(document["regularizers"]), "regularizers and", len(document["constraints"]), "constraints written with Keras", keras.__version__)
