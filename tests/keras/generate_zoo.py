#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes zoo.json: what real Keras 3 computes of one image with each model of the zoo, for tests/models/zoo.

    KERAS_BACKEND=jax venv/bin/python tests/keras/generate_zoo.py [MODEL ...]

Weights and image come from a formula that the test repeats, so that only results are stored: the best class
and every 61st output. The formula: cell i of a tensor of seed s is u = h(s + i) in [-1, 1), where h mixes 32
bits; s is a hash of the layer's name and the weight's place in it. Kernels are u sqrt(6 / fan); gamma and
variances 1 + u / 4; other vectors u / 10. A batch normalization's moving variance is that times its `energy`,
the mean square of what reaches it, and its moving mean that times the root: energies, in order of the layers'
names, are stored, and keep signals from vanishing and exploding.
"""
import json
import os
import pathlib
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
import keras  # noqa: E402
import numpy as np  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "models"))
from verify import BUILDERS, build, layers_of, watched  # noqa: E402

STEP = 61


def hashed(text):
    """FNV-1a of 32 bits."""
    value = 2166136261
    for byte in text.encode():
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value


def draw(seed, shape):
    """u in [-1, 1), exact in float32."""
    with np.errstate(over="ignore"):
        h = np.arange(int(np.prod(shape)), dtype="uint32") + np.uint32(seed)
        h ^= h >> np.uint32(16)
        h *= np.uint32(0x7FEB352D)
        h ^= h >> np.uint32(15)
        h *= np.uint32(0x846CA68B)
        h ^= h >> np.uint32(16)
    return ((h >> np.uint32(8)).astype("float32") * np.float32(2.0**-23) - np.float32(1)).reshape(shape)


def value(layer, index, weight):
    shape, kind = tuple(weight.shape), weight.name
    u = draw(hashed(f"{layer.name}/{index}"), shape)
    if len(shape) >= 2:
        depthwise = shape[-1] == 1
        fan = int(np.prod(shape[:2] if depthwise else shape[:-1]))
        return u * np.float32(np.sqrt(6.0 / fan))
    if kind in ("gamma", "variance", "moving_variance") or type(layer).__name__ == "LayerScale":
        return np.float32(1) + u * np.float32(0.25)
    return np.zeros(shape, "float32") if kind == "count" else u * np.float32(0.1)


def golden(name):
    model, raw = build(name)
    for layer in layers_of(model):
        if layer.weights:
            layer.set_weights([value(layer, i, weight) for i, weight in enumerate(layer.weights)])
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()  # it computes with copies of its weights
    energies = {}

    def scale(layer, x):
        energy = np.float32(f"{(x.astype('float64') ** 2).mean():.4g}")
        energies[layer.name] = float(f"{energy:.4g}")
        layer.moving_variance.assign(keras.ops.convert_to_numpy(layer.moving_variance) * energy)
        layer.moving_mean.assign(keras.ops.convert_to_numpy(layer.moving_mean) * np.sqrt(energy))

    shape = (1, *model.inputs[0].shape[1:])
    image = draw(hashed("image"), shape)
    if raw:
        image = (image + np.float32(1)) * np.float32(127.5)
    y = watched(model, scale, image)[0]
    return {"model": name, "raw": raw, "shape": list(shape[1:]), "classes": len(y), "best": int(y.argmax()),
            "best_value": float(f"{y.max():.8g}"), "values": [float(f"{v:.8g}") for v in y[::STEP]],
            "energies": [energies[key] for key in sorted(energies)]}


def main():
    path = HERE / "zoo.json"
    known = {case["model"]: case for case in json.loads(path.read_text())["cases"]} if path.exists() else {}
    for name in sys.argv[1:] or known:
        if name not in BUILDERS:
            sys.exit(f"generate_zoo.py: error: keras.applications has no '{name}'; it has {', '.join(sorted(BUILDERS))}")
        known[name] = golden(name)
        print(f"{name:17} {known[name]['best']:4} {known[name]['best_value']:.4f} {min(known[name]['values']):.2e}", flush=True)
    cases = ",\n".join(json.dumps(known[name], separators=(",", ":")) for name in sorted(known))
    text = f'{{"keras":"{keras.__version__}","step":{STEP},"cases":[\n{cases}\n]}}\n'
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text)
    temporary.replace(path)


if __name__ == "__main__":
    main()
