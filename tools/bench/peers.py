# SPDX-License-Identifier: Apache-2.0
"""Cornet beside ONNX Runtime on models that real Keras builds with random weights.

One process calls both in turns, so that a noisy neighbour meets both; medians and their ratio are
printed, and the outputs of Cornet, ONNX Runtime and Keras are compared first. Run by tools/bench/peers.
"""
import argparse
import ctypes
import os
import pathlib
import subprocess
import sys
import time

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
import keras  # noqa: E402
import numpy as np  # noqa: E402
import onnx  # noqa: E402
import onnxruntime  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "release"
WORK = ROOT / "build" / "peers-models"
BUILDERS = {
    "resnet50": lambda: keras.applications.ResNet50(weights=None),
    "mobilenetv2": lambda: keras.applications.MobileNetV2(weights=None),
}


class Onnx:
    """The layers of the two networks as ONNX nodes, channels first as ONNX Runtime wants them."""

    def __init__(self, model):
        self.nodes, self.weights, self.count = [], [], 0
        names, result = {model.inputs[0].name: "image"}, "image"
        shape = model.inputs[0].shape
        for layer in model.layers:
            if isinstance(layer, keras.layers.InputLayer):
                continue
            inputs = layer.input if isinstance(layer.input, list) else [layer.input]
            chain = isinstance(model, keras.Sequential)
            result = self.layer(layer, [result] if chain else [names[tensor.name] for tensor in inputs])
            names[layer.output.name] = result
        graph = helper.make_graph(
            self.nodes, model.name,
            [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", shape[3], shape[1], shape[2]])],
            [helper.make_tensor_value_info(result, TensorProto.FLOAT, ["N", model.outputs[0].shape[1]])],
            self.weights)
        self.model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)

    def node(self, op, inputs, **attributes):
        self.count += 1
        name = f"v{self.count}"
        self.nodes.append(helper.make_node(op, inputs, [name], **attributes))
        return name

    def weight(self, value):
        self.count += 1
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(value, dtype=np.asarray(value).dtype), f"w{self.count}"))
        return f"w{self.count}"

    def activate(self, name, x):
        return x if name == "linear" else self.node({"relu": "Relu", "softmax": "Softmax"}[name], [x])

    @staticmethod
    def pads(layer):
        if layer.padding == "valid":
            return [0, 0, 0, 0]
        pads = []
        for size, kernel, stride in zip(layer.input.shape[1:3], layer.kernel_size, layer.strides):
            total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            pads.append((total // 2, total - total // 2))
        return [pads[0][0], pads[1][0], pads[0][1], pads[1][1]]

    def layer(self, layer, x):
        kind, weights = type(layer).__name__, [np.asarray(w) for w in layer.get_weights()]
        if kind in ("Conv2D", "DepthwiseConv2D"):
            order, group = ((3, 2, 0, 1), 1) if kind == "Conv2D" else ((2, 3, 0, 1), weights[0].shape[2])
            inputs = x + [self.weight(weights[0].transpose(order))] + [self.weight(b) for b in weights[1:]]
            y = self.node("Conv", inputs, kernel_shape=layer.kernel_size, strides=layer.strides, pads=self.pads(layer), group=group)
            return self.activate(layer.activation.__name__, y)
        if kind == "BatchNormalization":
            return self.node("BatchNormalization", x + [self.weight(w) for w in weights], epsilon=layer.epsilon)
        if kind == "Activation":
            return self.activate(layer.activation.__name__, x[0])
        if kind == "ReLU":
            return self.node("Clip", x + [self.weight(np.float32(0)), self.weight(np.float32(layer.max_value))])
        if kind == "ZeroPadding2D":
            (top, bottom), (left, right) = layer.padding
            return self.node("Pad", x + [self.weight(np.array([0, 0, top, left, 0, 0, bottom, right], np.int64))])
        if kind == "MaxPooling2D":
            return self.node("MaxPool", x, kernel_shape=layer.pool_size, strides=layer.strides)
        if kind == "GlobalAveragePooling2D":
            return self.node("Flatten", [self.node("GlobalAveragePool", x)])
        if kind == "Flatten":
            return self.node("Flatten", [self.node("Transpose", x, perm=[0, 2, 3, 1])])
        if kind == "Dropout":
            return x[0]
        if kind == "Add":
            return self.node("Add", x)
        if kind == "Dense":
            return self.activate(layer.activation.__name__, self.node("Gemm", x + [self.weight(w) for w in weights]))
        raise SystemExit(f"peers: {kind} '{layer.name}' has no ONNX form here; add it to tools/bench/peers.py")


class SessionOptions(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("threads", ctypes.c_uint)]


class Cornet:
    """A compiled artifact through the C interface."""

    def __init__(self, path, threads):
        self.library = ctypes.CDLL(str(BUILD / "lib" / "libcornet_runtime.so"))
        for name in ("cornet_program_open", "cornet_session_create", "cornet_session_invoke"):
            getattr(self.library, name).restype = ctypes.c_void_p
        self.program, self.session = ctypes.c_void_p(), ctypes.c_void_p()
        self.check(self.library.cornet_program_open(str(path).encode(), ctypes.byref(self.program)))
        options = SessionOptions(ctypes.sizeof(SessionOptions), threads)
        self.check(self.library.cornet_session_create(self.program, ctypes.byref(options), ctypes.byref(self.session)))

    def check(self, status):
        if status:
            self.library.cornet_status_message.restype = ctypes.c_char_p
            raise SystemExit("peers: " + self.library.cornet_status_message(ctypes.c_void_p(status)).decode())

    def bind(self, x, y):
        self.inputs, self.outputs = (ctypes.c_void_p * 1)(x.ctypes.data), (ctypes.c_void_p * 1)(y.ctypes.data)
        self.rows, self.keep = ctypes.c_uint64(len(x)), (x, y)

    def __call__(self):
        self.check(self.library.cornet_session_invoke(self.session, ctypes.c_size_t(0), self.rows, self.inputs, self.outputs))


def randomStatistics(model):
    """Fresh batch norms are the identity: give them values, so that outputs tell models apart."""
    rng = np.random.default_rng(7)
    for variable in model.weights:
        if "moving_mean" in variable.path or "beta" in variable.path:
            variable.assign(rng.normal(0, 0.1, variable.shape).astype("float32"))
        if "moving_variance" in variable.path or "gamma" in variable.path:
            variable.assign(rng.uniform(0.8, 1.2, variable.shape).astype("float32"))


def compare(name, batch, threads, seconds):
    WORK.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(7)
    model = BUILDERS[name]()
    randomStatistics(model)
    saved, artifact = WORK / f"{name}.keras", WORK / f"{name}.cornet"
    model.save(saved)
    started = time.monotonic()
    subprocess.run([BUILD / "bin" / "cornet", "compile", saved, "-o", artifact, "--batch", str(batch), "--quiet"], check=True)
    print(f"{name}: compiled in {time.monotonic() - started:.1f} s", flush=True)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(Onnx(model).model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    x = np.random.default_rng(8).normal(0, 1, (batch, *model.inputs[0].shape[1:])).astype("float32")
    y, channelsFirst = np.empty((batch, model.outputs[0].shape[1]), "float32"), np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    cornet = Cornet(artifact, threads)
    cornet.bind(x, y)
    cornet()
    other = session.run(None, {"image": channelsFirst})[0]
    want = np.asarray(model(x, training=False))
    for who, got in (("Cornet", y), ("ONNX Runtime", other)):
        cosine = float((got * want).sum() / np.linalg.norm(got) / np.linalg.norm(want))
        same = bool((got.argmax(1) == want.argmax(1)).all())
        print(f"{name}: {who} against Keras: cosine {cosine:.8f}, largest difference {np.abs(got - want).max():.1e}, top-1 {'equal' if same else 'DIFFERENT'}")
        if cosine < 0.99999 or not same:
            raise SystemExit(f"peers: {who} computes something else than Keras")
    times = {"cornet": [], "ort": []}
    calls = {"cornet": cornet, "ort": lambda: session.run(None, {"image": channelsFirst})}
    for call in calls.values():
        for _ in range(3):
            call()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for who, call in calls.items():
            if threads > 1:
                time.sleep(0.03)  # until the other's waiting threads have stopped spinning on our processors
            for turn in range(8 if threads > 1 else 1):
                start = time.perf_counter()
                call()
                if threads == 1 or turn >= 4:  # and until ours have woken
                    times[who].append(time.perf_counter() - start)
    ours, theirs = (np.median(times[who]) * 1e3 for who in ("cornet", "ort"))
    return f"{name:12} batch {batch}, {threads} thread{'s' if threads > 1 else ''}: Cornet {ours:8.3f} ms, ONNX Runtime {theirs:8.3f} ms, ratio {ours / theirs:.2f} ({len(times['ort'])} calls each)"


def coldStart():
    """Milliseconds from exec to the first answer of the digits network, each in a fresh process."""
    model = keras.saving.load_model(ROOT / "models" / "digits" / "digits.keras", compile=False)
    artifact, network = WORK / "digits.cornet", WORK / "digits.onnx"
    subprocess.run([BUILD / "bin" / "cornet", "compile", ROOT / "models" / "digits" / "digits.keras", "-o", artifact, "--quiet"],
                   check=True, stdout=subprocess.DEVNULL)
    network.write_bytes(Onnx(model).model.SerializeToString())
    other = ("import time; start = time.perf_counter(); import numpy, onnxruntime; imported = time.perf_counter();"
             f"session = onnxruntime.InferenceSession({str(network)!r}); session.run(None, {{'image': numpy.zeros((1, 1, 8, 8), 'float32')}});"
             "print((time.perf_counter() - imported) * 1e3)")
    times = {"cornet": [], "ort": [], "session": []}
    for _ in range(11):
        start = time.perf_counter()
        subprocess.run([BUILD / "bin" / "runtime_c99", artifact], check=True, stdout=subprocess.DEVNULL)
        times["cornet"].append((time.perf_counter() - start) * 1e3)
        start = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", other], check=True, capture_output=True, text=True)
        times["ort"].append((time.perf_counter() - start) * 1e3)
        times["session"].append(float(done.stdout))
    median = {who: float(np.median(values)) for who, values in times.items()}
    return (f"cold start   exec to first digit: Cornet from C {median['cornet']:.1f} ms; ONNX Runtime from Python {median['ort']:.0f} ms, "
            f"of which its session and first call {median['session']:.1f} ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=" or ".join(BUILDERS))
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=20)
    args = parser.parse_args()
    for name in args.models:
        if name not in BUILDERS:
            raise SystemExit(f"peers: unknown model {name!r}; known: {', '.join(BUILDERS)}")
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown CPU")
    print(f"CPU: {cpu}; ONNX Runtime {onnxruntime.__version__}, ONNX {onnx.__version__}, Keras {keras.__version__}", flush=True)
    lines = [compare(name, args.batch, args.threads, args.seconds) for name in args.models or BUILDERS]
    print("\n".join([*lines, coldStart()]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
