# SPDX-License-Identifier: Apache-2.0
"""PyTorch, Keras, IREE and LiteRT as tools/bench/inference_workers.py drives them.

Each has a constructor that imports its package, load(x), run(), output() and `version`. Inputs are converted
before the clock starts; an answer counts when the values are there to be read.
"""
import importlib.metadata
import os

import numpy as np


class Missing(Exception):
    """The system's package is not there, or it has no such precision: no failure of ours."""


def channelsFirst(x):
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2)) if x.ndim == 4 else x


def onlyFp32(job, name):
    if job.precision != "fp32":
        raise Missing(f"{name} has no bf16 inference on CPUs that this benchmark could ask for")


class Torch:
    """PyTorch, channels last, in inference mode; compiled: with weights frozen into the program."""

    def __init__(self, job, compiled=False):
        try:
            import torch
        except ImportError as error:
            raise Missing(f"{error}: tools/setup peers-torch installs PyTorch, --torch-python names another interpreter") from None
        import torch_graph
        torch.set_num_threads(job.threads)
        torch.set_num_interop_threads(1)
        self.torch, self.builder, self.job, self.compiled = torch, torch_graph.Builder, job, compiled
        self.version = f"PyTorch {torch.__version__}"

    def load(self, x):
        torch = self.torch
        kind = {"fp32": torch.float32, "bf16": torch.bfloat16}[self.job.precision]
        self.x = torch.from_numpy(x).to(kind)
        if x.ndim == 4:
            self.x = self.x.permute(0, 3, 1, 2)  # channels-last memory as it is
        model = self.builder(self.job.artifact("graph.npz")).module().to(kind)
        if self.compiled:
            import torch._inductor.config
            torch._inductor.config.freezing = True
            model = torch.compile(model)
        self.model, self.mode = model, torch.no_grad if self.compiled else torch.inference_mode

    def run(self):
        with self.mode():
            self.y = self.model(self.x)

    def output(self):
        return self.y.float().numpy()


class TorchCompile(Torch):
    def __init__(self, job):
        super().__init__(job, compiled=True)


class Keras:
    """Keras on JAX: the model as one XLA program."""

    def __init__(self, job):
        onlyFp32(job, "Keras on JAX")
        os.environ.update(KERAS_BACKEND="jax", JAX_PLATFORMS="cpu")
        import jax
        import keras
        self.keras, self.jax, self.job, self.version = keras, jax, job, f"Keras {keras.__version__} on JAX {jax.__version__}"

    def load(self, x):
        model = self.keras.saving.load_model(self.job.artifact("keras"), compile=False)
        trained, other = ([v.value for v in values] for values in (model.trainable_variables, model.non_trainable_variables))
        call = self.jax.jit(lambda trained, other, x: model.stateless_call(trained, other, x, training=False)[0])
        self.call, self.arguments = call, (trained, other, self.jax.device_put(x))

    def run(self):
        self.y = self.call(*self.arguments).block_until_ready()

    def output(self):
        return np.asarray(self.y)


class KerasTensorflow:
    """Keras on TensorFlow: the model as one tf.function, oneDNN inside."""

    def __init__(self, job):
        onlyFp32(job, "Keras on TensorFlow")
        os.environ.update(KERAS_BACKEND="tensorflow", TF_CPP_MIN_LOG_LEVEL="2")
        import keras
        import tensorflow as tf
        tf.config.threading.set_intra_op_parallelism_threads(job.threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        self.keras, self.tf, self.job, self.version = keras, tf, job, f"Keras {keras.__version__} on TensorFlow {tf.__version__}"

    def load(self, x):
        model = self.keras.saving.load_model(self.job.artifact("keras"), compile=False)
        function = self.tf.function(lambda x: model(x, training=False))
        self.x = self.tf.constant(x)
        self.call = function.get_concrete_function(self.tf.TensorSpec(x.shape, "float32"))

    def run(self):
        self.y = self.call(self.x).numpy()

    def output(self):
        return self.y


class Iree:
    """What iree-compile made of the ONNX file for this CPU, on the local-task device."""

    def __init__(self, job):
        onlyFp32(job, "IREE")
        import iree.runtime
        self.rt, self.job, self.version = iree.runtime, job, f"IREE {importlib.metadata.version('iree-base-runtime')}"

    def load(self, x):
        rt = self.rt
        if self.job.threads == 1:
            device = "local-sync"
        else:
            device = "local-task"
            rt.flags.parse_flags(f"--task_topology_group_count={self.job.threads}")
        self.config = rt.Config(device)
        context = rt.SystemContext(config=self.config)
        context.add_vm_module(rt.VmModule.mmap(context.instance, os.fspath(self.job.artifact("vmfb"))))
        self.call = context.modules.module["peers"]
        self.x = rt.asdevicearray(self.config.device, channelsFirst(x))

    def run(self):
        self.y = self.call(self.x)

    def output(self):
        return self.y.to_host()


class LiteRt:
    """LiteRT with its default XNNPACK delegate."""

    def __init__(self, job):
        onlyFp32(job, "LiteRT")
        from ai_edge_litert.interpreter import Interpreter
        self.interpreter, self.job, self.version = Interpreter, job, f"LiteRT {importlib.metadata.version('ai-edge-litert')}"

    def load(self, x):
        self.model = self.interpreter(model_path=os.fspath(self.job.artifact("tflite")), num_threads=self.job.threads)
        self.model.allocate_tensors()
        self.model.set_tensor(self.model.get_input_details()[0]["index"], x)

    def run(self):
        self.model.invoke()

    def output(self):
        return self.model.get_tensor(self.model.get_output_details()[0]["index"])


SYSTEMS = {"torch": Torch, "torch-compile": TorchCompile, "keras": Keras, "keras-tf": KerasTensorflow, "iree": Iree, "litert": LiteRt}
