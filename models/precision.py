# SPDX-License-Identifier: Apache-2.0
"""What each precision loses and saves on models of the zoo: the tables of docs/precision.md.

    KERAS_BACKEND=jax python models/precision.py [MODEL ...] [--images N] [--precisions fp32,bf16]

Builds each model in Keras with the seeded random weights of verify.py, computes random images in float64, and
compares what `cornet compile --precision P` makes of the same weights. For every model and precision a row in
Markdown: the largest difference in shares of the largest output, the smallest cosine of an image, images whose
best class is the same, and the size of the artifact. A line on stderr tells how far Keras in float32 is.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_ENABLE_X64", "1")
import keras  # noqa: E402
import numpy as np  # noqa: E402
from verify import BUILDERS, CORNET, build, fill, infer, layers_of, random_images  # noqa: E402

MODELS = ["vgg16", "resnet50", "mobilenetv2", "inceptionv3", "efficientnetb0", "densenet121", "convnexttiny"]
PRECISIONS = ["fp32", "bf16", "fp16", "bf16-weights", "fp16-weights", "bf16-activations", "fp16-activations"]


def in_float64(name, model, images):
    """What the model computes when everything is float64."""
    weights = model.get_weights()
    keras.config.set_floatx("float64")
    try:
        exact, _ = build(name)
        exact.set_weights([weight.astype("float64") for weight in weights])
        for layer in layers_of(exact):
            if isinstance(layer, keras.layers.Normalization):
                layer.finalize_state()
        out = np.concatenate([infer(exact, images[i:i + 2].astype("float64")) for i in range(0, len(images), 2)])
    finally:
        keras.config.set_floatx("float32")
    if out.dtype != np.float64:
        sys.exit(f"precision.py: error: the reference of {name} is {out.dtype}; this backend has no float64")
    return out


def compare(got, want):
    """The largest difference in shares of the largest output, the smallest cosine, rows of the same best class."""
    got = got.astype("float64")
    cosine = (got * want).sum(1) / np.linalg.norm(got, axis=1) / np.linalg.norm(want, axis=1)
    return np.abs(got - want).max() / np.abs(want).max(), cosine.min(), int((got.argmax(1) == want.argmax(1)).sum())


def measure(name, options, folder):
    rng = np.random.default_rng(options.seed)
    model, raw = build(name)
    images = random_images(rng, model.inputs[0].shape[1:], options.images, raw)
    fill(model, rng, images[:8])
    weights, artifact = folder / f"{name}.weights.h5", folder / f"{name}.cornet"
    model.save_weights(weights)
    np.save(folder / "x.npy", images)
    keras_f32 = np.concatenate([infer(model, images[i:i + 4]) for i in range(0, len(images), 4)])
    want = in_float64(name, model, images)
    print(f"{name}: Keras in float32 is {compare(keras_f32, want)[0]:.1e} apart", file=sys.stderr, flush=True)
    for precision in options.precisions.split(","):
        subprocess.run([CORNET, "compile", name, "--weights", weights, "-o", artifact, "--quiet", "--no-self-test",
                        "--precision", precision], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([CORNET, "run", artifact, folder / "x.npy", "-o", folder / "y.npy", "--quiet"], check=True)
        error, cosine, best = compare(np.load(folder / "y.npy"), want)
        print(f"| {name} | {precision} | {error:.1e} | {1 - cosine:.1e} | {best} of {len(images)}"
              f" | {artifact.stat().st_size / 2**20:.1f} |", flush=True)
    weights.unlink()
    artifact.unlink()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", help="zoo names that keras.applications has")
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--precisions", default=",".join(PRECISIONS))
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    unknown = [name for name in options.models if name not in BUILDERS]
    if unknown:
        sys.exit(f"precision.py: error: keras.applications has no {', '.join(unknown)}")
    print("| model | precision | largest difference | 1 - cosine | same best class | MB |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name in options.models or MODELS:
            measure(name, options, pathlib.Path(folder))


if __name__ == "__main__":
    main()
