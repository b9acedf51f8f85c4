# SPDX-License-Identifier: Apache-2.0
"""The networks that tools/bench/inference_peers.py times, built by real Keras with random weights.

    python inference_models.py FOLDER NAME BATCH [--litert]

writes, each under its final name only when whole: NAME.keras, NAME.graph.npz (for PyTorch), NAME-bBATCH.onnx,
and NAME-bBATCH.npz: rows x and Keras's answer `want`. With --litert it reads
NAME.keras and writes NAME-bBATCH.tflite instead.

The weights are random but not tame: He-normal kernels, batch statistics measured on random images, logits of
deviation about 2. Outputs then depend on every layer, so that a system which computes something else is seen.
"""
import importlib.util
import os
import pathlib
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow" if importlib.util.find_spec("tensorflow") else "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import keras  # noqa: E402
import numpy as np  # noqa: E402

from onnx_export import Graph  # noqa: E402


def mlp():
    inputs = keras.Input((784,))
    return keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(keras.layers.Dense(128, activation="relu")(inputs)))


def digits():
    layers = keras.layers
    inputs = keras.Input((8, 8, 1))
    x = layers.BatchNormalization()(layers.Conv2D(16, 3, padding="same", use_bias=False)(inputs))
    x = layers.MaxPooling2D()(layers.Activation("relu")(x))
    x = layers.MaxPooling2D()(layers.Conv2D(32, 3, padding="same", activation="relu")(x))
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(layers.Dropout(0.3)(layers.Flatten()(x))))


def application(name):
    return lambda: getattr(keras.applications, name)(weights=None)


BUILDERS = {
    "mlp": mlp, "digits": digits, "mobilenetv2": application("MobileNetV2"), "resnet50": application("ResNet50"),
    "vgg16": application("VGG16"), "inceptionv3": application("InceptionV3"), "efficientnetb0": application("EfficientNetB0"),
}


def images(model, rows, seed):
    """Pixels 0..255 for a network that scales them itself, a normal distribution for others."""
    shape, random = (rows, *model.inputs[0].shape[1:]), np.random.default_rng(seed)
    if any(isinstance(layer, keras.layers.Rescaling) for layer in model.layers):
        return random.integers(0, 256, shape).astype("float32")
    return random.normal(0, 1, shape).astype("float32")


def randomize(model):
    random = np.random.default_rng(7)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Normalization):
            layer.set_weights([np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225]) ** 2, np.int32(0)])
            layer.finalize_state()
            continue
        for variable in layer.weights:
            name, shape = variable.path.split("/")[-1], tuple(variable.shape)
            if name == "kernel":
                fan = np.prod(shape[:2]) if isinstance(layer, keras.layers.DepthwiseConv2D) else np.prod(shape[:-1])
                variable.assign(random.normal(0, np.sqrt(2 / fan), shape).astype("float32"))
            elif name in ("bias", "beta"):
                variable.assign(random.normal(0, 0.1, shape).astype("float32"))
            elif name == "gamma":
                variable.assign(random.uniform(0.8, 1.2, shape).astype("float32"))
    x = images(model, 8, 9)
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in norms:
        layer.kept, layer.momentum = layer.momentum, 0.0
    model([x], training=True)
    for layer in norms:
        layer.momentum = layer.kept
    last = model.layers[-1]
    features = np.asarray(keras.Model(model.inputs, last.input)(x, training=False))
    last.kernel.assign(np.asarray(last.kernel) * np.float32(2 / np.std(features @ np.asarray(last.kernel))))


def written(path, write):
    temporary = path.with_name("unfinished-" + path.name)
    write(temporary)
    temporary.rename(path)


def litert(folder, name, batch):
    import tensorflow
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
    model = keras.saving.load_model(folder / f"{name}.keras", compile=False)
    spec = tensorflow.TensorSpec((batch, *model.inputs[0].shape[1:]), "float32")
    function = tensorflow.function(lambda x: model(x, training=False)).get_concrete_function(spec)
    frozen = convert_variables_to_constants_v2(function)  # the converter leaves Keras 3's variables out
    converted = tensorflow.lite.TFLiteConverter.from_concrete_functions([frozen]).convert()
    written(folder / f"{name}-b{batch}.tflite", lambda path: path.write_bytes(converted))


def main():
    folder, name, batch = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    if "--litert" in sys.argv:
        return litert(folder, name, batch)
    saved = folder / f"{name}.keras"
    if saved.exists():
        model = keras.saving.load_model(saved, compile=False)
    else:
        keras.utils.set_random_seed(7)
        model = BUILDERS[name]()
        randomize(model)
        written(saved, model.save)
    graph = Graph(model)
    written(folder / f"{name}.graph.npz", graph.save)
    written(folder / f"{name}-b{batch}.onnx", lambda path: path.write_bytes(graph.onnx(batch).SerializeToString()))
    x = images(model, batch, 8)
    want = np.asarray(model(x, training=False))
    written(folder / f"{name}-b{batch}.npz", lambda path: np.savez(path, x=x, want=want))


if __name__ == "__main__":
    main()
