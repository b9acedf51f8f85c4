#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Gives what the saving tests write to real Keras, and compares what it computes.

    tests/frontend/saving/keras_loads.py build/release/bin/saving_tests FOLDER

The test program writes NAME.keras, NAME.weights.h5 and NAME.npz (inputs, and outputs of the reference
interpreter) into FOLDER. Keras loads each model, predicts the same within 1e-6 of the largest output (or of 1),
2^-6 where layers compute in 16 bits, loads the weights file into the same model with its own weights scrambled,
and predicts the same again.
Exits with 77, which is a skipped test, when the virtual environment of `tools/setup peers` cannot be made;
CORNET_KERAS_PYTHON names another interpreter that has keras, jax and h5py.
"""
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[3]


def interpreter():
    """A Python that has Keras, or None."""
    given = os.environ.get("CORNET_KERAS_PYTHON")
    if given:
        return given
    made = subprocess.run([ROOT / "tools/setup", "peers"], stdout=subprocess.DEVNULL, check=False)
    python = ROOT / "build/peers/bin/python"
    return str(python) if made.returncode == 0 and python.exists() else None


def check(folder):
    import keras
    import numpy as np

    failures, largest, count = [], 0.0, 0

    def compare(name, got, wanted, most):
        nonlocal largest
        for i, (g, w) in enumerate(zip(got, wanted, strict=True)):
            g = np.asarray(g)
            if g.shape != w.shape:
                failures.append(f"{name}: output {i} has shape {g.shape}, wanted {w.shape}")
                continue
            g, w = g.astype("float64"), w.astype("float64")
            error = float(np.max(np.abs(g - w), initial=0)) / max(1.0, float(np.max(np.abs(w), initial=0)))
            largest = max(largest, error)
            if not error <= most:
                failures.append(f"{name}: output {i} differs by {error:.2e}")

    def predict(model, inputs):
        outputs = model(inputs if len(inputs) > 1 else inputs[0], training=False)
        return outputs if isinstance(outputs, (list, tuple)) else [outputs]

    for path in sorted(folder.glob("*.keras")):
        name, count = path.stem, count + 1
        data = np.load(folder / f"{name}.npz")
        inputs = [data[f"input{i}"] for i in range(sum(k.startswith("input") for k in data))]
        wanted = [data[f"output{i}"] for i in range(sum(k.startswith("output") for k in data))]
        try:
            model = keras.models.load_model(path)
            narrow = any(layer.compute_dtype != "float32" for layer in model.layers)
            if narrow != (name == "mixed"):
                failures.append(f"{name}: dtype policies are {[layer.dtype_policy.name for layer in model.layers]}")
            most = 2**-6 if narrow else 1e-6
            compare(name, predict(model, inputs), wanted, most)
            for weight in model.weights:
                if str(weight.dtype) == "float32":
                    weight.assign(np.full(weight.shape, 0.125, "float32"))
            model.load_weights(folder / f"{name}.weights.h5")
            compare(name + " weights", predict(model, inputs), wanted, most)
        except Exception as error:  # every file is tried, and told
            failures.append(f"{name}: {type(error).__name__}: {str(error)[:400]}")
    for failure in failures:
        print(failure)
    print(f"{count} models, {len(failures)} failures, largest difference {largest:.2e}")
    return 1 if failures or count == 0 else 0


def main():
    binary, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    if os.environ.get("CORNET_SAVING_CHECK"):
        return check(folder)
    python = interpreter()
    if not python:
        print("no virtual environment with Keras; skipped")
        return 77
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    subprocess.run(
        [binary, "--gtest_also_run_disabled_tests", "--gtest_filter=*WriteFiles"],
        env=os.environ | {"CORNET_SAVING_OUT": str(folder)}, stdout=subprocess.DEVNULL, check=True)
    environment = os.environ | {"CORNET_SAVING_CHECK": "1", "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    return subprocess.run([python, __file__, binary, folder], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
