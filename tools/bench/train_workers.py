# SPDX-License-Identifier: Apache-2.0
"""One system that trains one network, driven by lines of JSON: what tools/bench/train_peers.py starts.

    python train_workers.py SYSTEM NETWORK --threads N --cores 0,1 --folder F

SYSTEM is cornet, torch, torch-compile, keras or keras-jit. F/NETWORK.cornet is the compiled network of
bin/train_artifacts, F/NETWORK.npz the batch (x, y) and, once the Cornet worker was asked to write them, the
weights that the others start from. Commands on stdin, one answer each on the former stdout:

    {"do": "export"}                 Cornet only: adds the weights to F/NETWORK.npz
    {"do": "start"}                  builds; {"version", "seconds"}
    {"do": "predict"}                class probabilities in inference; {"values"}
    {"do": "losses", "steps": n}     {"values", "first"}: the losses of the next n steps, seconds of the first
    {"do": "time", "seconds": s}     {"values", "cpu"}: seconds of single steps, s in all, at least one;
                                     the processors' seconds in a step, of all threads
    {"do": "profile"}                Cornet only: {"steps": [[ns, layer, implementation, summary]...]}
    {"do": "fit", "rows", "epochs"}  Keras only, instead of all others: {"total", "epochs"}

A failure is {"error": sentence}. The networks are those of TrainArtifacts.cpp, layer for layer: change both.
"""
import argparse
import ctypes
import os
import pathlib
import sys
import time

from turns import serve

BUILD = pathlib.Path(__file__).resolve().parents[2] / "build" / "release"
BATCH = {"mlp": 32, "digits": 32, "cnn": 128, "resnet18": 32}
SHAPE = {"mlp": (784,), "digits": (8, 8, 1), "cnn": (28, 28, 1), "resnet18": (32, 32, 3)}
DTYPES = ["float32", "float64", "int32", "int64", "bool"]


def blocks():
    """The basic blocks of ResNet-18: name, filters, stride, whether the way around has a convolution."""
    for stage in range(4):
        for block in range(2):
            first = block == 0 and stage > 0
            yield f"s{stage}b{block}", 64 << stage, 2 if first else 1, first


class TensorSpec(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("dtype", ctypes.c_int), ("rank", ctypes.c_size_t),
                ("shape", ctypes.POINTER(ctypes.c_int64))]


class VariableSpec(ctypes.Structure):
    _fields_ = TensorSpec._fields_ + [("trainable", ctypes.c_int), ("bytes", ctypes.c_size_t)]


class StepSpec(ctypes.Structure):
    _fields_ = [("layer", ctypes.c_char_p), ("summary", ctypes.c_char_p), ("implementation", ctypes.c_char_p),
                ("tiles", ctypes.c_uint64)]


class SessionOptions(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("threads", ctypes.c_uint)]


class Cornet:
    """A compiled training program through the C interface."""

    def __init__(self, network, data, threads, path):
        self.lib = ctypes.CDLL(str(BUILD / "lib" / "libcornet_runtime.so"))
        for name in ("program_open", "program_input", "program_variable", "program_step", "session_create",
                     "session_invoke", "session_profile", "session_variable"):
            getattr(self.lib, "cornet_" + name).restype = ctypes.c_void_p
        for name in ("status_message", "program_entry_name", "program_isa"):
            getattr(self.lib, "cornet_" + name).restype = ctypes.c_char_p
        for name in ("program_entry_count", "program_variable_count", "program_step_count"):
            getattr(self.lib, "cornet_" + name).restype = ctypes.c_size_t
        self.program, self.session = ctypes.c_void_p(), ctypes.c_void_p()
        self.check(self.lib.cornet_program_open(str(path).encode(), ctypes.byref(self.program)))
        options = SessionOptions(ctypes.sizeof(SessionOptions), threads)
        self.check(self.lib.cornet_session_create(self.program, ctypes.byref(options), ctypes.byref(self.session)))
        count = self.lib.cornet_program_entry_count(self.program)
        self.entries = {self.lib.cornet_program_entry_name(self.program, ctypes.c_size_t(i)).decode(): ctypes.c_size_t(i)
                        for i in range(count)}
        self.x, self.y = data["x"], data["y"]
        self.inputs = (ctypes.c_void_p * 2)(self.x.ctypes.data, self.y.ctypes.data)
        self.version = self.lib.cornet_program_isa(self.program).decode()

    def check(self, status):
        if status:
            raise RuntimeError(self.lib.cornet_status_message(ctypes.c_void_p(status)).decode())

    def invoke(self, entry, rows, inputs, outputs=None):
        self.check(self.lib.cornet_session_invoke(self.session, self.entries[entry], ctypes.c_uint64(rows), inputs, outputs))

    def variables(self):
        """Name and cells of each; the arrays are the session's own memory."""
        for i in range(self.lib.cornet_program_variable_count(self.program)):
            spec = VariableSpec()
            self.check(self.lib.cornet_program_variable(self.program, ctypes.c_size_t(i), ctypes.byref(spec)))
            place = self.lib.cornet_session_variable(self.session, ctypes.c_size_t(i))
            cells = np.frombuffer((ctypes.c_char * spec.bytes).from_address(place), DTYPES[spec.dtype])
            yield spec.name.decode(), cells.reshape(spec.shape[:spec.rank])

    def predict(self):
        out = np.empty((len(self.x), 10), "float32")
        self.invoke("predict", len(self.x), (ctypes.c_void_p * 1)(self.x.ctypes.data), (ctypes.c_void_p * 1)(out.ctypes.data))
        return out

    def step(self):
        self.invoke("train_step", len(self.x), self.inputs)

    def loss(self):
        self.invoke("reset_metrics", 1, None)
        self.step()
        out = np.empty(1, "float32")
        self.invoke("read_metrics", 1, None, (ctypes.c_void_p * 1)(out.ctypes.data))
        return float(out[0])

    def profile(self):
        entry, plan = self.entries["train_step"], ctypes.c_size_t(0)
        count = self.lib.cornet_program_step_count(self.program, entry, plan)
        turns = np.empty((9, count), "uint64")
        for turn in turns:
            self.check(self.lib.cornet_session_profile(self.session, entry, plan, self.inputs, None, ctypes.c_void_p(turn.ctypes.data)))
        steps = []
        for i, ns in enumerate(np.median(turns, axis=0)):
            spec = StepSpec()
            self.check(self.lib.cornet_program_step(self.program, entry, plan, ctypes.c_size_t(i), ctypes.byref(spec)))
            steps.append([float(ns), spec.layer.decode(), spec.implementation.decode(), spec.summary.decode()])
        return sorted(steps, reverse=True)


class Keras:
    """Keras on TensorFlow: the function that fit() calls, on tensors that are there already."""

    def __init__(self, network, data, threads, jit):
        os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="3")
        import keras
        import tensorflow as tf
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        self.keras, self.version = keras, f"Keras {keras.__version__}, TensorFlow {tf.__version__}"
        self.model = self.build(network)
        optimizer = keras.optimizers.SGD(0.01, momentum=0.9) if network == "resnet18" else keras.optimizers.Adam()
        self.model.compile(optimizer, "sparse_categorical_crossentropy", jit_compile=jit)
        if data is not None:
            self.load(data)
            optimizer.build(self.model.trainable_variables)
            self.batch = tf.constant(data["x"]), tf.constant(data["y"])
            self.train = tf.function(self.model.train_step, jit_compile=jit)

    def build(self, network):
        layers = self.keras.layers
        inputs = self.keras.Input(SHAPE[network])
        if network == "mlp":
            x = layers.Dense(128, activation="relu", name="hidden")(inputs)
        elif network == "digits":
            x = layers.Conv2D(16, 3, padding="same", use_bias=False, name="conv2d")(inputs)
            x = layers.Activation("relu")(layers.BatchNormalization(name="batch_normalization")(x))
            x = layers.MaxPooling2D()(x)
            x = layers.Conv2D(32, 3, padding="same", activation="relu", name="conv2d_1")(x)
            x = layers.Dropout(0.3)(layers.Flatten()(layers.MaxPooling2D()(x)))
        elif network == "cnn":
            x = layers.MaxPooling2D()(layers.Conv2D(32, 3, activation="relu", name="conv1")(inputs))
            x = layers.MaxPooling2D()(layers.Conv2D(64, 3, activation="relu", name="conv2")(x))
            x = layers.Flatten()(x)
        else:
            def convolution(x, filters, window, stride, name):
                x = layers.Conv2D(filters, window, stride, padding="same", use_bias=False, name=name)(x)
                return layers.BatchNormalization(name=name + "_bn")(x)
            x = layers.ReLU()(convolution(inputs, 64, 3, 1, "stem"))
            for name, filters, stride, changes in blocks():
                y = layers.ReLU()(convolution(x, filters, 3, stride, name + "_a"))
                y = convolution(y, filters, 3, 1, name + "_b")
                x = layers.ReLU()(layers.Add()([y, convolution(x, filters, 1, stride, name + "_way") if changes else x]))
            x = layers.GlobalAveragePooling2D()(x)
        name = "dense" if network == "digits" else "scores"
        return self.keras.Model(inputs, layers.Dense(10, activation="softmax", name=name)(x))

    def load(self, data):
        for variable in self.model.weights:
            variable.assign(data["/".join(variable.path.split("/")[-2:])])

    def predict(self):
        return self.model(self.batch[0], training=False).numpy()

    def step(self):
        return self.train(self.batch)["loss"].numpy()  # waits for the step

    def loss(self):
        self.model.reset_metrics()
        return float(self.step())

    def fit(self, network, rows, epochs):
        random, seconds = np.random.default_rng(7), []
        x = random.normal(size=(rows, *SHAPE[network])).astype("float32")
        y = random.integers(0, 10, rows).astype("int32")
        start = last = time.perf_counter()

        def ended(epoch, logs):
            nonlocal last
            now = time.perf_counter()
            seconds.append(now - last)
            last = now
        clock = self.keras.callbacks.LambdaCallback(on_epoch_end=ended)
        self.model.fit(x, y, batch_size=BATCH[network], epochs=epochs, verbose=0, callbacks=[clock])
        return {"total": time.perf_counter() - start, "epochs": seconds}


class Torch:
    """PyTorch, eager or compiled; channels last, as PyTorch advises for convolutions on CPUs."""

    def __init__(self, network, data, threads, compiled):
        import torch
        torch.set_num_threads(threads)
        torch.set_num_interop_threads(1)
        blas = torch.__config__.show().partition("BLAS_INFO=")[2].partition(",")[0]
        self.torch, self.version = torch, f"PyTorch {torch.__version__} (BLAS: {blas or 'unknown'})"
        self.model = torchModel(torch, network)
        self.load(data)
        self.model = self.model.to(memory_format=torch.channels_last)
        x = torch.from_numpy(data["x"])
        if x.ndim == 4:
            x = x.permute(0, 3, 1, 2)  # channels-last memory as it is
        self.batch = x, torch.from_numpy(data["y"].astype("int64"))
        parameters = self.model.parameters()
        # Adam's epsilon stands elsewhere than Keras's: losses agree to about 1e-4, not to rounding.
        self.optimizer = (torch.optim.SGD(parameters, 0.01, momentum=0.9) if network == "resnet18"
                          else torch.optim.Adam(parameters, 1e-3, eps=1e-7))

        def lossOf(x, y):
            return torch.nn.functional.cross_entropy(self.model(x), y)
        if compiled and not hasattr(torch, "compile"):
            raise RuntimeError(f"PyTorch {torch.__version__} has no torch.compile")
        self.lossOf = torch.compile(lossOf) if compiled else lossOf

    def load(self, data):
        torch, given = self.torch, {}
        names = {"kernel": "weight", "gamma": "weight", "bias": "bias", "beta": "bias",
                 "moving_mean": "running_mean", "moving_variance": "running_var"}
        for path, cells in data.items():
            layer, _, weight = path.partition("/")
            if weight in names:
                order = {2: (1, 0), 4: (3, 2, 0, 1)}.get(cells.ndim)
                given[f"{layer}.{names[weight]}"] = torch.from_numpy(np.ascontiguousarray(cells.transpose(order) if order else cells))
        own = {name for name in self.model.state_dict() if not name.endswith("num_batches_tracked")}
        if own != set(given):
            raise RuntimeError(f"weights differ by name: {sorted(own ^ set(given))}")
        self.model.load_state_dict(given, strict=False)

    def predict(self):
        self.model.eval()
        with self.torch.no_grad():
            out = self.torch.softmax(self.model(self.batch[0]), 1).numpy()
        self.model.train()
        return out

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.lossOf(*self.batch)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    loss = step


def torchModel(torch, network):
    nn, F = torch.nn, torch.nn.functional

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            if network == "mlp":
                self.hidden, self.scores = nn.Linear(784, 128), nn.Linear(128, 10)
            elif network == "digits":
                self.conv2d, self.conv2d_1 = nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.Conv2d(16, 32, 3, padding=1)
                self.batch_normalization, self.dense = self.norm(16), nn.Linear(128, 10)
            elif network == "cnn":
                self.conv1, self.conv2, self.scores = nn.Conv2d(1, 32, 3), nn.Conv2d(32, 64, 3), nn.Linear(1600, 10)
            else:
                self.convolution("stem", 3, 64, 3, 1)
                channels = 64
                for name, filters, stride, changes in blocks():
                    self.convolution(name + "_a", channels, filters, 3, stride)
                    self.convolution(name + "_b", filters, filters, 3, 1)
                    if changes:
                        self.convolution(name + "_way", channels, filters, 1, stride)
                    channels = filters
                self.scores = nn.Linear(512, 10)

        @staticmethod
        def norm(channels):
            return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)

        def convolution(self, name, channels, filters, window, stride):
            padding = window // 2 if stride == 1 else 0
            self.add_module(name, nn.Conv2d(channels, filters, window, stride, padding, bias=False))
            self.add_module(name + "_bn", self.norm(filters))

        def normalized(self, x, name):
            convolution = getattr(self, name)
            if convolution.stride == (2, 2) and convolution.kernel_size == (3, 3):
                x = F.pad(x, (0, 1, 0, 1))  # Keras's "same" at stride 2
            return getattr(self, name + "_bn")(convolution(x))

        def forward(self, x):
            if network == "mlp":
                return self.scores(F.relu(self.hidden(x)))
            if network == "digits":
                x = F.max_pool2d(F.relu(self.batch_normalization(self.conv2d(x))), 2)
                x = F.max_pool2d(F.relu(self.conv2d_1(x)), 2)
                return self.dense(F.dropout(self.flat(x), 0.3, self.training))
            if network == "cnn":
                x = F.max_pool2d(F.relu(self.conv1(x)), 2)
                return self.scores(self.flat(F.max_pool2d(F.relu(self.conv2(x)), 2)))
            x = F.relu(self.normalized(x, "stem"))
            for name, _, _, changes in blocks():
                y = F.relu(self.normalized(x, name + "_a"))
                way = self.normalized(x, name + "_way") if changes else x
                x = F.relu(self.normalized(y, name + "_b") + way)
            return self.scores(x.mean((2, 3)))

        @staticmethod
        def flat(x):
            return x.permute(0, 2, 3, 1).flatten(1)  # channels last, as Keras flattens

    return Network()


def timed(call):
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


class Worker:
    def __init__(self, args):
        self.args, self.file, self.system = args, pathlib.Path(args.folder) / f"{args.network}.npz", None

    def make(self, data):
        args = self.args
        if args.system == "cornet":
            return Cornet(args.network, data, args.threads, self.file.with_suffix(".cornet"))
        if args.system in ("keras", "keras-jit"):
            return Keras(args.network, data, args.threads, args.system == "keras-jit")
        return Torch(args.network, data, args.threads, args.system == "torch-compile")

    def do(self, command):
        what = command["do"]
        if what == "fit":
            return self.make(None).fit(self.args.network, command["rows"], command["epochs"])
        if what in ("start", "export"):
            with np.load(self.file) as file:
                data = {name: np.ascontiguousarray(file[name]) for name in file.files}
            seconds, self.system = timed(lambda: self.make(data))
            if what == "export":
                np.savez(self.file, x=data["x"], y=data["y"], **{
                    name: cells for name, cells in self.system.variables() if name.count("/") == 1
                    and name.split("/")[1] in ("kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance")})
            return {"version": self.system.version, "seconds": seconds}
        if what == "predict":
            return {"values": np.asarray(self.system.predict()).tolist()}
        if what == "losses":
            first, loss = timed(self.system.loss)
            return {"first": first, "values": [loss] + [self.system.loss() for _ in range(command["steps"] - 1)]}
        if what == "time":
            warm, _ = timed(self.system.step)
            while warm < command["seconds"] / 2:  # caches and threads are another system's until now
                warm += timed(self.system.step)[0]
            values, cpu = [], time.process_time()
            while not values or sum(values) < command["seconds"]:
                values.append(timed(self.system.step)[0])
            return {"values": values, "cpu": (time.process_time() - cpu) / len(values)}
        if what == "profile":
            return {"steps": self.system.profile()}
        raise RuntimeError(f"unknown command {what!r}")


def make(args):
    global np
    import numpy as np  # after the number of threads is told
    return Worker(args)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("system", choices=["cornet", "torch", "torch-compile", "keras", "keras-jit"])
    parser.add_argument("network", choices=BATCH)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--cores", required=True)
    parser.add_argument("--folder", required=True)
    args = parser.parse_args()
    return serve(args, make)


if __name__ == "__main__":
    sys.exit(main())
