# SPDX-License-Identifier: Apache-2.0
"""Every model of the zoo that keras.applications has, beside real Keras with the same weights.

    KERAS_BACKEND=jax python models/verify.py [MODEL ...] [OPTIONS]

Builds each model in Keras, gives it seeded random weights and, so that signals neither vanish nor
explode, batch-normalization statistics of what reaches each layer; saves them, compiles the model of
the same name with `--weights`, runs random images and compares. Any backend will do; torch starts fastest.
Demands for each image a cosine of 0.99999 and the same best class; with `--precision bf16`, a cosine of
0.999 and one class in ten may be another. Prints a table; the exit code is 0 when all is well.
`--file` says in which format the weights are saved; `legacy` is an .h5 of weights alone, as
keras.applications downloads them.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
import h5py  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras.src.legacy.saving import legacy_h5_format  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[1]
CORNET = ROOT / "build" / "release" / "bin" / "cornet"
BUILDERS = {name.lower(): value for name, value in vars(keras.applications).items() if callable(value)}


def layers_of(model):
    """All layers, those of models inside included."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from layers_of(layer)
        else:
            yield layer


def build(name, counted=False):
    """The model, at the size that the zoo has where Keras leaves it open, and whether it scales pixels itself.

    With `counted`, layers without names are numbered on, as in a session that has made other models before.
    """
    for arguments in ({}, {"input_shape": (224, 224, 3)}):
        keras.utils.clear_session()
        if counted:
            x = keras.Input((8, 8, 3))
            for _ in range(12):
                x = keras.layers.ReLU()(keras.layers.BatchNormalization()(keras.layers.Conv2D(3, 1)(x)))
        model = BUILDERS[name](weights=None, **arguments)
        if None not in model.inputs[0].shape[1:]:
            break
    kinds = (keras.layers.Rescaling, keras.layers.Normalization)
    return model, any(isinstance(layer, kinds) for layer in model.layers)


def infer(model, x):
    """The model's output as an array."""
    y = keras.ops.stop_gradient(model(x, training=False))
    return keras.ops.convert_to_numpy(y)


def watched(model, on_batch_norm, x):
    """The model's output for `x`; on_batch_norm(layer, input) is called before each normalization."""
    original = keras.layers.BatchNormalization.call

    def call(self, inputs, *args, **kwargs):
        on_batch_norm(self, keras.ops.convert_to_numpy(inputs))
        return original(self, inputs, *args, **kwargs)

    keras.layers.BatchNormalization.call = call
    try:
        return infer(model, x)
    finally:
        keras.layers.BatchNormalization.call = original


def fill(model, rng, images):
    """Random weights; statistics of normalizations from what `images` bring to them, roughly."""
    for layer in layers_of(model):
        values = []
        for weight in layer.weights:
            shape, kind = tuple(weight.shape), weight.name
            if len(shape) >= 2:
                fan = np.prod(shape[:2]) if "depthwise" in kind or shape[-1] == 1 else np.prod(shape[:-1])
                value = rng.standard_normal(shape) * np.sqrt(2.0 / fan)
            elif kind in ("gamma", "variance", "moving_variance") or type(layer).__name__ == "LayerScale":
                value = rng.uniform(0.7, 1.3, shape)
            elif kind == "count":
                value = np.zeros(shape)
            else:
                value = rng.standard_normal(shape) * 0.1
            values.append(value.astype("float32"))
        if values:
            layer.set_weights(values)
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()  # it computes with copies of its weights

    def statistics(layer, x):
        axes = tuple(range(x.ndim - 1))
        layer.moving_mean.assign(x.mean(axes) + 0.1 * x.std(axes) * rng.standard_normal(x.shape[-1]))
        layer.moving_variance.assign((x.var(axes) + 1e-3 * x.var()) * rng.uniform(0.8, 1.25, x.shape[-1]))

    y = watched(model, statistics, images)
    # Logits of a few units: where softmax gives one class everything, it tells nothing of the rest, and
    # a tie is decided by rounding.
    head = [layer for layer in model.layers if layer.weights][-1]
    for _ in range(3):
        spread = np.log(np.maximum(y, 1e-30)).std(1).max()
        head.set_weights([weight * min(1, 3 / spread) for weight in head.get_weights()])
        y = infer(model, images)


def random_images(rng, shape, count, raw):
    """Blocks of colour under noise, each image of a contrast and brightness of its own."""
    out = np.empty((count, *shape), "float32")
    for image in out:
        small = rng.standard_normal((rng.integers(2, 9), rng.integers(2, 9), shape[2]))
        rows = np.arange(shape[0]) * small.shape[0] // shape[0]
        columns = np.arange(shape[1]) * small.shape[1] // shape[1]
        image[:] = small[rows][:, columns] * rng.uniform(0.3, 1) + rng.standard_normal(shape) * rng.uniform(0.05, 0.5)
    return np.clip(out * 60 + 128, 0, 255) if raw else out


def verify(name, options, folder):
    rng = np.random.default_rng(options.seed)
    model, raw = build(name, options.counted)
    shape = model.inputs[0].shape[1:]
    images = random_images(rng, shape, options.images, raw)
    fill(model, rng, images[:8])
    weights, artifact = folder / f"{name}.{options.file}", folder / f"{name}.cornet"
    if options.file == "weights.h5":
        model.save_weights(weights)
    elif options.file == "legacy":
        weights = folder / f"{name}.h5"
        with h5py.File(weights, "w") as file:
            legacy_h5_format.save_weights_to_hdf5_group(file, model)
    else:
        model.save(weights)
    start = time.time()
    subprocess.run([CORNET, "compile", name, "--weights", weights, "-o", artifact, "--quiet", "--precision",
                    options.precision], check=True, stdout=subprocess.DEVNULL)
    seconds = time.time() - start
    np.save(folder / "x.npy", images)
    start = time.time()
    subprocess.run([CORNET, "run", artifact, folder / "x.npy", "-o", folder / "y.npy", "--quiet"], check=True)
    running = time.time() - start
    got = np.load(folder / "y.npy").astype("float64")
    want = np.concatenate([infer(model, images[i:i + 4]) for i in range(0, len(images), 4)])
    want = want.astype("float64")
    cosine = (got * want).sum(1) / np.linalg.norm(got, axis=1) / np.linalg.norm(want, axis=1)
    # Softmax flatters, so that logarithms, which are logits but for a constant, are told as well.
    a, b = (np.log(np.maximum(y, 1e-30)) for y in (got, want))
    a, b = a - a.mean(1, keepdims=True), b - b.mean(1, keepdims=True)
    logits = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    best = got.argmax(1) == want.argmax(1)
    least, share = (0.99999, 1) if options.precision == "fp32" else (0.999, 0.9)
    good = bool(cosine.min() >= least and logits.min() >= least and best.mean() >= share)
    print(f"{name:17} {model.count_params():11,} {1 - cosine.min():11.1e} {1 - logits.min():11.1e}"
          f" {best.sum():3}/{len(best)} {len(set(want.argmax(1))):7} {seconds:9.1f} {running:7.1f}  {'ok' if good else 'WRONG'}", flush=True)
    for path in (weights, artifact):
        path.unlink()
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", help="zoo names; default: all that keras.applications has")
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--file", choices=["keras", "weights.h5", "h5", "legacy"], default="weights.h5")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--counted", action="store_true", help="number layers on, as after other models")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    known = subprocess.run([CORNET, "models"], check=True, capture_output=True, text=True).stdout.split()
    names = options.models or [name for name in known if name in BUILDERS]
    print(f"{'model':17} {'weights':>11} {'1 - cosine':>11} {'of logits':>11} {'best':>6} {'classes':>7}"
          f" {'compile s':>9} {'run s':>7}")
    with tempfile.TemporaryDirectory() as folder:
        return 0 if all([verify(name, options, pathlib.Path(folder)) for name in names]) else 1


if __name__ == "__main__":
    sys.exit(main())
