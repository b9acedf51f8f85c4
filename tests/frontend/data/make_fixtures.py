#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the files in tests/frontend/data/fixtures, with the libraries people make such files with.

    python3 -m venv venv && venv/bin/pip install keras==3.15.1 'jax[cpu]' grain pillow scikit-learn
    KERAS_BACKEND=jax venv/bin/python tests/frontend/data/make_fixtures.py

digits-*.gz      scikit-learn's digits as MNIST's files are: IDX, gzipped; digits.npz: the same arrays
floats.idx       f32 and big-endian; floats.npy: the same
cifar*.bin       random records of both formats; cifar.npz: images and labels
pictures/        a folder per class of small PNG and JPEG files of every kind; pictures.npz: their
                 pixels as Pillow gives them, and resized as keras.ops.image.resize does
table.csv        what Python's csv module writes of quotes, line ends and gaps; table.json: its rows
expected.json    what Keras makes of data: Normalization.adapt, timeseries_dataset_from_array,
                 class weights
"""
import csv
import gzip
import json
import os
import pathlib
import shutil
import struct

os.environ.setdefault("KERAS_BACKEND", "jax")
import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras.src.trainers.data_adapters import data_adapter_utils  # noqa: E402
from PIL import Image  # noqa: E402
from sklearn.datasets import load_digits  # noqa: E402

HERE = pathlib.Path(__file__).parent / "fixtures"
RNG = np.random.default_rng(2026)
IDX_TYPES = {"uint8": 8, "int8": 9, "int16": 11, "int32": 12, "float32": 13, "float64": 14}


def idx(array):
    head = struct.pack(">BBBB", 0, 0, IDX_TYPES[str(array.dtype)], array.ndim)
    extents = b"".join(struct.pack(">I", extent) for extent in array.shape)
    return head + extents + array.astype(array.dtype.newbyteorder(">")).tobytes()


def digits():
    data = load_digits()
    images = (data.images[:60] * 15).astype("uint8")
    labels = data.target[:60].astype("uint8")
    for name, array in (("digits-images-idx3-ubyte", images), ("digits-labels-idx1-ubyte", labels)):
        (HERE / f"{name}.gz").write_bytes(gzip.compress(idx(array), mtime=0))
    np.savez_compressed(HERE / "digits.npz", images=images, labels=labels)
    floats = RNG.normal(0, 1, (2, 3)).astype("float32")
    (HERE / "floats.idx").write_bytes(idx(floats))
    np.save(HERE / "floats.npy", floats)


def cifar():
    arrays = {}
    for name, count, classes in (("cifar10", 2, (10,)), ("cifar100", 2, (20, 100))):
        # Few grey levels, so that git can pack them.
        images = (RNG.integers(0, 4, (count, 32, 32, 3)) * 60).astype("uint8")
        labels = np.stack([RNG.integers(0, n, count) for n in classes], axis=1).astype("uint8")
        planes = images.transpose(0, 3, 1, 2).reshape(count, -1)
        (HERE / f"{name}.bin").write_bytes(np.concatenate([labels, planes], axis=1).tobytes())
        arrays |= {f"{name}_images": images, f"{name}_labels": labels}
    np.savez_compressed(HERE / "cifar.npz", **arrays)


def pictures():
    folder = HERE / "pictures"
    shutil.rmtree(folder, ignore_errors=True)
    arrays = {}

    def save(path, image, **options):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        image.save(folder / path, **options)
        back = np.asarray(Image.open(folder / path).convert("RGB"))
        arrays[path] = back
        resized = keras.ops.image.resize(back.astype("float32"), (5, 7), antialias=False)
        arrays[f"{path}@5x7"] = np.asarray(resized)

    def smooth(height, width, channels):
        y, x, c = np.meshgrid(range(height), range(width), range(channels), indexing="ij")
        return ((y * 25 + x * 17 + c * 70) % 256).astype("uint8")

    save("cat/rgb.png", Image.fromarray(smooth(8, 8, 3)))
    save("cat/grey.png", Image.fromarray(smooth(8, 6, 1)[..., 0]))
    save("cat/deep/photo.jpg", Image.fromarray(smooth(16, 12, 3)), quality=90, subsampling=0)
    save("dog/alpha.png", Image.fromarray(smooth(8, 8, 4)))
    save("dog/palette.png", Image.fromarray(smooth(8, 8, 3)).quantize(16))
    save("dog/grey.jpeg", Image.fromarray(smooth(8, 8, 1)[..., 0]), quality=90)
    (folder / "dog/notes.txt").write_text("not a picture\n")
    np.savez_compressed(HERE / "pictures.npz", **arrays)


def table():
    header = ["age", "city", "note, with comma", "income", "bought"]
    rows = [
        ["31", "Paris", 'says "hello"', "1200.5", "yes"],
        ["", "Rome", "two\nlines", "900", "no"],
        ["45", "Paris", "", "NA", "yes"],
        ["28", "Saint-Étienne, Loire", "plain", "-3e2", "no"],
        ["60", "Paris", "trailing ", "0", "yes"],
    ]
    with open(HERE / "table.csv", "w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file).writerows([header, *rows])
    (HERE / "table.json").write_text(json.dumps([header, *rows], ensure_ascii=False) + "\n")


def windows(**options):
    """timeseries_dataset_from_array of 0..19 in two columns, all batches after one another."""
    data = np.arange(40, dtype="float32").reshape(20, 2)
    targets = np.arange(20, dtype="float32") * 10
    dataset = keras.utils.timeseries_dataset_from_array(data, targets, format="grain", **options)
    batches = [(np.asarray(x), np.asarray(y)) for x, y in dataset]
    return {
        "options": options,
        "batches": [len(x) for x, _ in batches],
        "x": np.concatenate([x for x, _ in batches]).ravel().tolist(),
        "y": np.concatenate([y for _, y in batches]).ravel().tolist(),
    }


def expected():
    data = RNG.normal([3, -200, 1e4], [1, 50, 0.5], (40, 5, 3)).astype("float32")
    np.save(HERE / "features.npy", data)
    moments = {}
    for axis in ((-1,), (1, 2), ()):
        layer = keras.layers.Normalization(axis=axis if axis else None)
        layer.adapt(data)
        mean, variance = np.asarray(layer.adapt_mean), np.asarray(layer.adapt_variance)
        moments[",".join(map(str, axis))] = [mean.ravel().tolist(), variance.ravel().tolist()]
    weights = {0: 0.5, 2: 3.0}
    onehot = np.eye(4, dtype="float32")[[2, 0, 1, 3]]
    values = {
        "moments": moments,
        "windows": [
            windows(sequence_length=4, batch_size=5),
            windows(sequence_length=3, sequence_stride=2, sampling_rate=3, batch_size=4),
            windows(sequence_length=2, start_index=3, end_index=11, batch_size=128),
        ],
        "weights": [
            data_adapter_utils.class_weight_to_sample_weights(y, weights).tolist()
            for y in (np.array([2, 0, 1, 3]), np.array([[2.0], [0.0], [1.0], [3.0]]), onehot)
        ],
    }
    (HERE / "expected.json").write_text(json.dumps(values) + "\n")


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    digits()
    cifar()
    pictures()
    table()
    expected()
