#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes training_layers.json, what real Keras 3 computes of layers in training.

    KERAS_BACKEND=jax venv/bin/python tests/keras/generate_training_layers.py

models    {name, config (Keras's own model JSON), weights, names, steps}; a step is {inputs, cotangents, outputs, losses,
          input_gradients, gradients (by name), after (by name)}. The gradients are those of the sum of outputs times
          cotangents and of the losses that layers add. `after` are the weights that the step itself moved: moving
          statistics. Random layers stand in only where their draw has one value (a rate of 0, a range of a point).
affine    {image, transforms, interpolation, fill_mode, fill_value, output}: keras.ops.image.affine_transform.
"""
import json
import os
import pathlib

os.environ.setdefault("KERAS_BACKEND", "jax")
import jax  # noqa: E402
import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import layers as L  # noqa: E402

HERE = pathlib.Path(__file__).parent
RNG = np.random.default_rng(2027)


def array(value):
    value = np.asarray(value)
    kind = "int32" if value.dtype.kind in "iu" else "float32"
    data = value.reshape(-1).astype(kind)
    rows = [int(v) for v in data] if kind == "int32" else [float(f"{v:.9g}") for v in data]
    return {"shape": list(value.shape), "dtype": kind, "data": rows}


def randomize(model):
    for variable in model.weights:
        if not variable.dtype.startswith("float"):
            continue  # the state of a seed generator
        draw = RNG.normal(0, 0.5, variable.shape)
        variable.assign(np.abs(draw) + 0.5 if "variance" in variable.path else draw)


def real(variables):
    return [v for v in variables if v.dtype.startswith("float")]


def model_case(name, model, steps=1, batch=4, inputs=None, gradients=True):
    randomize(model)
    case = {
        "name": name,
        "config": json.loads(model.to_json()),
        "weights": [array(v.numpy() if hasattr(v, "numpy") else v) for v in real(model.weights)],
        "names": [v.path for v in real(model.weights)],
        "steps": [],
    }
    for step in range(steps):
        if inputs is None or step > 0:
            inputs = [RNG.normal(0.5, 1, (batch,) + tuple(t.shape[1:])).astype("float32") for t in model.inputs]
        trainable = [v.value for v in model.trainable_variables]
        others = [v.value for v in model.non_trainable_variables]
        outputs, _, _ = model.stateless_call(trainable, others, inputs, training=True, return_losses=True)
        outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        cotangents = [RNG.normal(0, 1, y.shape).astype("float32") for y in outputs]

        def loss(weights, xs):
            ys, moved, added = model.stateless_call(weights, others, xs, training=True, return_losses=True)
            ys = ys if isinstance(ys, (list, tuple)) else [ys]
            total = sum(keras.ops.sum(y * c) for y, c in zip(ys, cotangents)) + sum(added)
            return total, (ys, moved, added)

        (_, (ys, moved, added)), (by_weights, by_inputs) = jax.value_and_grad(loss, argnums=(0, 1), has_aux=True)(trainable, inputs)
        after = {}
        for variable, value in zip(model.non_trainable_variables, moved):
            if variable.dtype.startswith("float"):
                after[variable.path] = array(value)
            variable.assign(value)
        case["steps"].append({
            "inputs": [array(x) for x in inputs],
            "cotangents": [array(c) for c in cotangents],
            "outputs": [array(y) for y in ys],
            "losses": [float(f"{float(v):.9g}") for v in added],
            "input_gradients": [array(g) for g in by_inputs] if gradients else [],
            "gradients": {v.path: array(g) for v, g in zip(model.trainable_variables, by_weights)},
            "after": after,
        })
    return case


def single(shape, layer):
    x = keras.Input(shape, name="x")
    return keras.Model(x, layer(x), name="m")


def models():
    cases = [
        model_case("batch_norm", single((3, 2, 5), L.BatchNormalization(name="bn")), steps=3),
        model_case("batch_norm_rows", single((6,), L.BatchNormalization(momentum=0.9, epsilon=1e-2, name="bn")), steps=3, batch=7),
        model_case("batch_norm_axis", single((3, 4, 2), L.BatchNormalization(axis=1, momentum=0.5, name="bn")), steps=2),
        model_case("batch_norm_no_scale", single((4, 3), L.BatchNormalization(scale=False, name="bn")), steps=2),
        model_case("batch_norm_no_center", single((4, 3), L.BatchNormalization(center=False, name="bn")), steps=2),
        model_case("batch_norm_plain", single((4, 3), L.BatchNormalization(center=False, scale=False, name="bn")), steps=2),
        model_case("batch_norm_frozen", single((4, 3), L.BatchNormalization(trainable=False, name="bn")), steps=2),
        model_case("layer_norm", single((4, 3), L.LayerNormalization(name="ln"))),
        model_case("group_norm", single((4, 6), L.GroupNormalization(groups=2, name="gn"))),
        model_case("activity", single((4, 3), L.ActivityRegularization(l1=0.1, l2=0.2))),
    ]
    far = [(20 + RNG.normal(0, 1, (8, 3))).astype("float32")]  # a mean that is larger than the deviation
    cases.append(model_case("batch_norm_far", single((3,), L.BatchNormalization(name="bn")), inputs=far))

    # Terms of the loss by weights and activities
    x = keras.Input((6, 5, 2), name="x")
    y = L.Conv2D(3, 3, kernel_regularizer="l2", bias_regularizer=keras.regularizers.L1(0.2), activity_regularizer="l1", name="c")(x)
    y = L.BatchNormalization(gamma_regularizer="l2", name="n")(y)
    y = L.SeparableConv2D(2, 2, depthwise_regularizer="l1", pointwise_regularizer="l2", depthwise_constraint="non_neg", name="s")(y)
    y = L.Dense(3, kernel_regularizer=keras.regularizers.L1L2(0.1, 0.2), kernel_constraint="max_norm", name="d")(y)
    cases.append(model_case("regularized", keras.Model(x, y, name="m")))

    # Everything that a model may be: convolutions, a shared layer, a residual, dropout of nothing.
    x = keras.Input((6, 5, 2), name="x")
    shared = L.Conv2D(3, 3, padding="same", use_bias=False, name="shared")
    norm = L.BatchNormalization(name="norm")  # called twice: its statistics move twice
    y = L.Conv2D(3, 1, name="first")(x)
    z = L.ReLU()(norm(shared(y)))
    z = L.Dropout(0.0)(z)
    z = L.Add()([y, norm(shared(z))])
    z = L.GlobalAveragePooling2D()(z)
    z = L.Dropout(0.0)(z)
    out = L.Dense(2, activation="tanh", name="top")(z)
    cases.append(model_case("residual", keras.Model(x, [out, z], name="m"), steps=2))

    # Augmentation by draws of one value
    image = (6, 7, 2)
    for name, layer in {
        "rotation": L.RandomRotation((0.1, 0.1)),
        "rotation_constant": L.RandomRotation((-0.07, -0.07), fill_mode="constant", fill_value=0.25),
        "rotation_wrap": L.RandomRotation((0.2, 0.2), fill_mode="wrap"),
        "translation": L.RandomTranslation((0.2, 0.2), (-0.35, -0.35)),
        "translation_nearest": L.RandomTranslation((-0.6, -0.6), (0.4, 0.4), fill_mode="nearest"),
        "zoom_out": L.RandomZoom((0.4, 0.4), fill_mode="constant"),
        "zoom_in": L.RandomZoom((-0.3, -0.3), (0.2, 0.2)),
        "brightness": L.RandomBrightness((0.2, 0.2), value_range=(-1, 1.5)),
    }.items():
        cases.append(model_case(name, single(image, layer), gradients=False))
    return cases


def affine():
    cases = []
    image = RNG.normal(0, 1, (2, 5, 6, 2)).astype("float32")
    for interpolation in ("nearest", "bilinear"):
        for mode in ("constant", "nearest", "wrap", "reflect"):
            transforms = RNG.normal(0, 0.8, (2, 8)).astype("float32")
            transforms[:, 6:] = 0
            transforms[:, [2, 5]] *= 6
            out = keras.ops.image.affine_transform(
                image, transforms, interpolation=interpolation, fill_mode=mode, fill_value=0.5, data_format="channels_last")
            cases.append({"image": array(image), "transforms": array(transforms), "interpolation": interpolation,
                          "fill_mode": mode, "fill_value": 0.5, "output": array(out)})
    return cases


def main():
    document = {"keras": keras.__version__, "models": models(), "affine": affine()}
    path = HERE / "training_layers.json"
    path.write_text(json.dumps(document, separators=(",", ":")) + "\n")
    print(f"{path}: {len(document['models'])} models, {len(document['affine'])} transforms, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
