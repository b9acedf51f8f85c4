#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the vectors the layer tests compare against, with real Keras 3.

    python -m venv venv && venv/bin/pip install keras==3.* 'jax[cpu]' numpy h5py
    KERAS_BACKEND=jax venv/bin/python tests/keras/generate.py

layers.json      one case per layer and attribute: {name, config (Keras's own model JSON), weights, inputs, outputs}.
                 Arrays are {shape, dtype, data}. Weights are random, in get_weights() order.
*.keras, *.h5    whole files for the importer, with an .npz of inputs and outputs beside each.

Inputs are drawn once from a seed; the batch is 2. Outputs are what model(x, training=False) returns.
"""
import json
import os
import pathlib

os.environ.setdefault("KERAS_BACKEND", "jax")
import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import layers as L  # noqa: E402

HERE = pathlib.Path(__file__).parent
RNG = np.random.default_rng(2026)


def array(value):
    value = np.asarray(value)
    kind = "int32" if value.dtype.kind in "iu" else "float32"
    data = value.reshape(-1).astype(kind)
    rows = [int(v) for v in data] if kind == "int32" else [float(f"{v:.9g}") for v in data]
    return {"shape": list(value.shape), "dtype": kind, "data": rows}


def randomize(model):
    """Random weights; variances stay positive."""
    values = []
    for variable in model.weights:
        draw = RNG.normal(0, 0.5, variable.shape)
        if "variance" in variable.path:
            draw = np.abs(draw) + 0.5
        if variable.dtype.startswith("int") or variable.dtype.startswith("uint"):
            draw = np.zeros(variable.shape)
        values.append(draw.astype("float32" if variable.dtype == "float32" else variable.dtype))
    model.set_weights(values)


def case(name, model, inputs=None):
    randomize(model)
    if inputs is None:
        inputs = [RNG.normal(0, 1, (2,) + tuple(t.shape[1:])).astype("float32") for t in model.inputs]
    outputs = model(inputs if len(inputs) > 1 else inputs[0], training=False)
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    return {
        "name": name,
        "config": json.loads(model.to_json()),
        "weights": [array(w) for w in model.get_weights()],
        "inputs": [array(x) for x in inputs],
        "outputs": [array(keras.ops.convert_to_numpy(y)) for y in outputs],
    }


def single(shape, layer):
    """A functional model of one layer."""
    x = keras.Input(shape, name="x")
    return keras.Model(x, layer(x), name="m")


def layer_cases():
    cases = []

    def add(name, shape, layer, inputs=None):
        cases.append(case(name, single(shape, layer), inputs))

    # Dense and relatives
    add("dense", (5,), L.Dense(3))
    add("dense_relu_nobias", (5,), L.Dense(3, activation="relu", use_bias=False))
    add("dense_rank3", (4, 5), L.Dense(3, activation="tanh"))
    add("dense_softmax", (7,), L.Dense(4, activation="softmax"))
    add("einsum_dense", (4, 5), L.EinsumDense("abc,cd->abd", output_shape=(4, 3), bias_axes="d"))
    add("einsum_dense_heads", (4, 6), L.EinsumDense("abc,cde->abde", output_shape=(4, 2, 3), bias_axes="de", activation="relu"))
    add("einsum_dense_ellipsis", (4, 5), L.EinsumDense("...x,xy->...y", output_shape=3, bias_axes="y"))
    ids = np.array([[1, 0, 3, 2], [4, 4, 1, 0]], "int32")
    x = keras.Input((4,), dtype="int32", name="x")
    cases.append(case("embedding", keras.Model(x, L.Embedding(5, 3)(x), name="m"), [ids]))

    # Activations, function form and layer form
    for fn in ("relu relu6 leaky_relu elu celu selu gelu sigmoid hard_sigmoid silu hard_silu mish softplus softsign "
               "exponential log_sigmoid tanh linear hard_tanh tanh_shrink soft_shrink hard_shrink squareplus "
               "sparse_plus sparse_sigmoid softmax log_softmax glu sparsemax").split():
        add(f"activation_{fn}", (6,), L.Activation(fn))
    add("softmax_axis1", (3, 4), L.Softmax(axis=1))
    add("leaky_relu", (6,), L.LeakyReLU())
    add("leaky_relu_slope", (6,), L.LeakyReLU(negative_slope=0.1))
    add("prelu", (3, 4), L.PReLU())
    add("prelu_shared", (3, 4, 2), L.PReLU(shared_axes=[1, 2]))
    add("elu_alpha", (6,), L.ELU(alpha=0.5))
    add("relu_all", (16,), L.ReLU(max_value=1.0, negative_slope=0.2, threshold=0.3))

    # Dropout family, identity in inference
    for layer in (L.Dropout(0.5), L.SpatialDropout1D(0.5), L.GaussianDropout(0.3), L.GaussianNoise(0.3), L.AlphaDropout(0.3)):
        add(type(layer).__name__.lower(), (3, 4), layer)
    add("spatialdropout2d", (3, 4, 2), L.SpatialDropout2D(0.5))

    # Reshaping
    add("flatten", (3, 4, 2), L.Flatten())
    add("reshape", (3, 4), L.Reshape((2, 6)))
    add("reshape_infer", (3, 4), L.Reshape((-1, 2)))
    add("permute", (3, 4, 2), L.Permute((3, 1, 2)))
    add("repeat_vector", (3,), L.RepeatVector(4))

    # Convolutions: strides x padding x dilation x groups
    for stride in (1, 2):
        for pad in ("valid", "same"):
            add(f"conv2d_s{stride}_{pad}", (7, 6, 3), L.Conv2D(4, 3, strides=stride, padding=pad, activation="relu"))
            add(f"conv1d_s{stride}_{pad}", (9, 3), L.Conv1D(4, 3, strides=stride, padding=pad))
            add(f"depthwise_s{stride}_{pad}", (7, 6, 3), L.DepthwiseConv2D(3, strides=stride, padding=pad))
            add(f"separable_s{stride}_{pad}", (7, 6, 3), L.SeparableConv2D(5, 3, strides=stride, padding=pad, depth_multiplier=2))
            add(f"conv2dtranspose_s{stride}_{pad}", (4, 5, 3), L.Conv2DTranspose(2, 3, strides=stride, padding=pad))
            add(f"maxpool2d_s{stride}_{pad}", (7, 6, 3), L.MaxPooling2D(3, strides=stride, padding=pad))
            add(f"avgpool2d_s{stride}_{pad}", (7, 6, 3), L.AveragePooling2D(3, strides=stride, padding=pad))
            add(f"maxpool1d_s{stride}_{pad}", (9, 3), L.MaxPooling1D(3, strides=stride, padding=pad))
            add(f"avgpool1d_s{stride}_{pad}", (9, 3), L.AveragePooling1D(3, strides=stride, padding=pad))
    add("conv2d_dilated", (9, 8, 3), L.Conv2D(4, 3, dilation_rate=2, padding="same"))
    add("conv2d_groups", (6, 6, 4), L.Conv2D(6, 3, groups=2, use_bias=False))
    add("conv2d_rect", (8, 6, 2), L.Conv2D(3, (5, 2), strides=(2, 1), padding="same"))
    add("conv2d_1x1", (4, 5, 8), L.Conv2D(20, 1, activation="gelu"))
    add("conv2d_wide", (6, 6, 16), L.Conv2D(70, 3, padding="same", activation="silu"))
    add("conv1d_causal", (9, 3), L.Conv1D(4, 3, padding="causal", dilation_rate=2))
    add("conv2dtranspose_k2s2", (4, 5, 3), L.Conv2DTranspose(2, 2, strides=2, padding="same"))
    add("conv2dtranspose_k4s2", (4, 5, 3), L.Conv2DTranspose(2, 4, strides=2, padding="same", use_bias=False))
    add("conv2dtranspose_outpad", (4, 5, 3), L.Conv2DTranspose(2, 3, strides=2, padding="same", output_padding=1))
    add("depthwise_mult", (6, 6, 3), L.DepthwiseConv2D(3, depth_multiplier=2, padding="same", activation="relu6"))
    add("depthwise_wide", (9, 9, 20), L.DepthwiseConv2D(5, strides=2, padding="same"))
    for layer in (L.GlobalMaxPooling2D(), L.GlobalAveragePooling2D(), L.GlobalAveragePooling2D(keepdims=True)):
        add(f"{layer.name}", (4, 5, 3), layer)
    for layer in (L.GlobalMaxPooling1D(), L.GlobalAveragePooling1D()):
        add(f"{layer.name}", (5, 3), layer)
    add("upsampling2d_nearest", (3, 4, 2), L.UpSampling2D((2, 3)))
    add("upsampling2d_bilinear", (3, 4, 2), L.UpSampling2D(2, interpolation="bilinear"))
    add("zeropadding2d", (3, 4, 2), L.ZeroPadding2D(((1, 2), (3, 0))))
    add("zeropadding1d", (3, 2), L.ZeroPadding1D((1, 2)))
    add("cropping2d", (6, 7, 2), L.Cropping2D(((1, 2), (3, 0))))
    add("cropping1d", (6, 2), L.Cropping1D((1, 2)))

    # Normalization
    add("batchnorm", (4, 5, 3), L.BatchNormalization())
    add("batchnorm_plain", (5,), L.BatchNormalization(center=False, scale=False, epsilon=1e-5))
    add("batchnorm_axis1", (4, 5), L.BatchNormalization(axis=1))
    add("layernorm", (4, 6), L.LayerNormalization())
    add("layernorm_axes", (4, 6), L.LayerNormalization(axis=[1, 2], epsilon=1e-5))
    add("layernorm_plain", (4, 6), L.LayerNormalization(center=False, scale=False))
    add("groupnorm", (4, 5, 6), L.GroupNormalization(groups=3))
    add("groupnorm_instance", (4, 5, 6), L.GroupNormalization(groups=-1))
    add("unitnorm", (4, 6), L.UnitNormalization())
    add("rescaling", (4, 3), L.Rescaling(1 / 127.5, offset=-1.0))
    add("normalization", (4, 3), L.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 0.5]))
    add("normalization_invert", (4, 3), L.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.0, 2.0, 0.5], invert=True))

    # Merging
    def merge(name, layer, shapes=((3, 4), (3, 4))):
        xs = [keras.Input(s, name=f"x{i}") for i, s in enumerate(shapes)]
        cases.append(case(name, keras.Model(xs, layer(xs), name="m")))

    for layer in (L.Add(), L.Multiply(), L.Average(), L.Maximum(), L.Minimum()):
        merge(f"merge_{type(layer).__name__.lower()}", layer, ((3, 4), (3, 4), (3, 4)))
    merge("merge_subtract", L.Subtract())
    merge("merge_add_broadcast", L.Add(), ((3, 4), (1, 4)))
    merge("merge_concatenate", L.Concatenate(), ((3, 4), (3, 2), (3, 1)))
    merge("merge_concatenate_axis1", L.Concatenate(axis=1), ((3, 4), (2, 4)))
    merge("merge_dot", L.Dot(axes=1), ((5,), (5,)))
    merge("merge_dot_axes", L.Dot(axes=(2, 1)), ((3, 4), (4, 5)))
    merge("merge_dot_normalize", L.Dot(axes=1, normalize=True), ((5,), (5,)))

    # Sequential, nesting, sharing, several outputs
    inner = keras.Sequential([keras.Input((4,)), L.Dense(3, activation="relu"), L.Dense(4)], name="inner")
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    shared = L.Dense(4, activation="tanh", name="shared")
    h = L.Add()([shared(inner(a)), shared(inner(b))])
    cases.append(case("nested_shared_two_outputs", keras.Model([a, b], [L.Dense(2, name="p")(h), L.Dense(1, name="q")(shared(h))], name="m")))
    cases.append(case("sequential_cnn", keras.Sequential([
        keras.Input((8, 8, 1)), L.Conv2D(4, 3, activation="relu"), L.BatchNormalization(), L.MaxPooling2D(),
        L.Flatten(), L.Dropout(0.5), L.Dense(3, activation="softmax")], name="cnn")))
    return cases


def write_file(model, stem, suffix):
    randomize(model)
    model.save(HERE / f"{stem}{suffix}")
    xs = [RNG.normal(0, 1, (3,) + tuple(t.shape[1:])).astype("float32") for t in model.inputs]
    ys = model(xs if len(xs) > 1 else xs[0], training=False)
    ys = ys if isinstance(ys, (list, tuple)) else [ys]
    arrays = {f"input{i}": x for i, x in enumerate(xs)} | {f"output{i}": keras.ops.convert_to_numpy(y) for i, y in enumerate(ys)}
    np.savez(HERE / f"{stem}{suffix}.npz", **arrays)


def whole_files():
    def residual():
        x = keras.Input((10, 10, 3), name="image")
        block = keras.Sequential([keras.Input((10, 10, 8)), L.Conv2D(8, 3, padding="same", use_bias=False),
                                  L.BatchNormalization(), L.ReLU()], name="block")
        h = L.Conv2D(8, 3, padding="same", name="stem")(x)
        h = L.Add()([h, block(h)])
        h = L.Add()([h, block(h)])
        h = L.Concatenate()([L.GlobalAveragePooling2D()(h), L.GlobalMaxPooling2D()(h)])
        return keras.Model(x, [L.Dense(4, activation="softmax", name="class")(h), L.Dense(1, name="score")(h)], name="residual")

    write_file(residual(), "residual", ".keras")
    write_file(residual(), "residual", ".h5")
    write_file(keras.Sequential([keras.Input((12, 4)), L.Conv1D(6, 3, padding="causal"),
                                 L.LayerNormalization(), L.Activation("gelu"), L.Flatten(), L.Dense(3)], name="seq"), "sequential", ".keras")


def later_cases():
    """Drawn after everything else, which so stays as it was."""
    from keras.src.applications.convnext import LayerScale

    return [case("rescaling_channels", single((4, 3), L.Rescaling([2.0, 0.5, -3.0], offset=[0.1, 0.2, 0.3]))),
            case("layer_scale", single((4, 3), LayerScale(1e-6, 3)))]


if __name__ == "__main__":
    cases = layer_cases()
    whole_files()
    cases += later_cases()
    (HERE / "layers.json").write_text(json.dumps({"keras": keras.__version__, "cases": cases}, separators=(",", ":")))
    print(len(cases), "cases written with Keras", keras.__version__)
