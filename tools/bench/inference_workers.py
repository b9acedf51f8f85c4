# SPDX-License-Identifier: Apache-2.0
"""One system that runs one network, driven by lines of JSON: what tools/bench/inference_peers.py starts.

    python inference_workers.py SYSTEM NETWORK --batch B --threads N --cores 0,1 --precision fp32 --folder F

SYSTEM is a name in SYSTEMS. F holds what inference_models.py and inference_compile.py wrote. Commands on stdin,
one answer each on the former stdout:

    {"do": "start"}             imports, loads, runs once: {"version", "load", "first", "whole", "before", "peak"},
                                seconds (whole: from the process's start) and bytes (resident memory before the
                                network was loaded, the highest until now)
    {"do": "check"}             {"cosine", "difference", "top1"} of the output against Keras's
    {"do": "time", "seconds"}   {"values", "cpu"}: seconds of single calls, that many seconds in all, at least one;
                                the processor's seconds in a call, of all threads

A failure is {"error": sentence}. Each system has its own layout of the same rows, made before the clock starts,
and the way to call it from Python that costs the least.
"""
import argparse
import ctypes
import os
import pathlib
import sys
import time

import numpy as np

import inference_frameworks
from inference_frameworks import Missing, channelsFirst
from turns import serve

BUILD = pathlib.Path(__file__).resolve().parents[2] / "build" / "release"


class SessionOptions(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("threads", ctypes.c_uint)]


class Cornet:
    """A compiled artifact through the C interface."""

    def __init__(self, job):
        self.lib = ctypes.CDLL(str(BUILD / "lib" / "libcornet_runtime.so"))
        for name in ("program_open", "session_create", "session_invoke"):
            getattr(self.lib, "cornet_" + name).restype = ctypes.c_void_p
        for name in ("status_message", "program_isa"):
            getattr(self.lib, "cornet_" + name).restype = ctypes.c_char_p
        self.job, self.program, self.session = job, ctypes.c_void_p(), ctypes.c_void_p()

    def load(self, x):
        self.check(self.lib.cornet_program_open(os.fsencode(self.job.artifact("cornet")), ctypes.byref(self.program)))
        options = SessionOptions(ctypes.sizeof(SessionOptions), self.job.threads)
        self.check(self.lib.cornet_session_create(self.program, ctypes.byref(options), ctypes.byref(self.session)))
        self.version = self.lib.cornet_program_isa(self.program).decode()
        self.x, self.y = x, np.empty(self.job.want.shape, "float32")
        self.arguments = (self.session, ctypes.c_size_t(0), ctypes.c_uint64(len(x)),
                          (ctypes.c_void_p * 1)(x.ctypes.data), (ctypes.c_void_p * 1)(self.y.ctypes.data))

    def check(self, status):
        if status:
            raise RuntimeError(self.lib.cornet_status_message(ctypes.c_void_p(status)).decode())

    def run(self):
        status = self.lib.cornet_session_invoke(*self.arguments)
        if status:
            self.check(status)

    def output(self):
        return self.y


class OnnxRuntime:
    """All graph optimizations, the default spinning, inputs and outputs bound once."""

    def __init__(self, job):
        if job.precision != "fp32":
            raise Missing("has no bf16 on CPUs")
        import onnxruntime
        self.ort, self.job, self.version = onnxruntime, job, f"ONNX Runtime {onnxruntime.__version__}"

    def load(self, x):
        options = self.ort.SessionOptions()
        options.graph_optimization_level = self.ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.intra_op_num_threads, options.inter_op_num_threads = self.job.threads, 1
        self.session = self.ort.InferenceSession(os.fspath(self.job.artifact("onnx")), options, providers=["CPUExecutionProvider"])
        self.binding = self.session.io_binding()
        self.x, self.y = channelsFirst(x), np.empty(self.job.want.shape, "float32")
        self.binding.bind_cpu_input("x", self.x)
        self.binding.bind_output(self.session.get_outputs()[0].name, "cpu", 0, np.float32, self.y.shape, self.y.ctypes.data)

    def run(self):
        self.session.run_with_iobinding(self.binding)

    def output(self):
        return self.y


class OpenVino:
    """The latency hint, one stream, the precision forced."""

    def __init__(self, job):
        import openvino
        self.ov, self.job, self.version = openvino, job, f"OpenVINO {openvino.__version__.split('-')[0]}"

    def load(self, x):
        core = self.ov.Core()
        config = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": self.job.threads, "NUM_STREAMS": 1,
                  "INFERENCE_PRECISION_HINT": {"fp32": "f32"}.get(self.job.precision, self.job.precision)}
        model = core.read_model(os.fspath(self.job.artifact("onnx")))
        compiled = core.compile_model(model, "CPU", config)
        got = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
        if got != config["INFERENCE_PRECISION_HINT"]:
            raise Missing(f"runs in {got} on this CPU")
        self.x = channelsFirst(x)
        self.request = compiled.create_infer_request()
        self.request.set_input_tensor(self.ov.Tensor(self.x, shared_memory=True))

    def run(self):
        self.request.infer()

    def output(self):
        return self.request.get_output_tensor().data


class Job:
    def __init__(self, args):
        self.threads, self.precision, self.batch, self.network = args.threads, args.precision, args.batch, args.network
        self.folder = pathlib.Path(args.folder)
        with np.load(self.folder / f"{args.network}-b{args.batch}.npz") as file:
            self.x, self.want = (np.ascontiguousarray(file[name]) for name in ("x", "want"))

    def artifact(self, kind):
        """The system's file. Those that say nothing of the batch or the precision have the short name."""
        for stem in (f"{self.network}-b{self.batch}-{self.precision}", f"{self.network}-b{self.batch}", self.network):
            path = self.folder / f"{stem}.{kind}"
            if path.exists():
                return path
        raise Missing(f"no {self.network} as .{kind} here")


SYSTEMS = {"cornet": Cornet, "onnxruntime": OnnxRuntime, "openvino": OpenVino, **inference_frameworks.SYSTEMS}


def memory(field):
    """Bytes of a line of /proc/self/status: VmRSS, or VmHWM, its highest value."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(field))


def sinceStart():
    """Seconds since the process was started, to a hundredth."""
    with open("/proc/self/stat") as stat:
        ticks = int(stat.read().rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def compared(got, want):
    got, want = np.asarray(got, "float64").reshape(want.shape), want.astype("float64")
    return {"cosine": float((got * want).sum() / np.linalg.norm(got) / np.linalg.norm(want)),
            "difference": float(np.abs(got - want).max()), "top1": bool((got.argmax(1) == want.argmax(1)).all())}


class Worker:
    def __init__(self, args):
        self.args, self.system = args, None

    def do(self, command):
        what = command["do"]
        if what == "start":
            job = Job(self.args)
            self.system, self.want = SYSTEMS[self.args.system](job), job.want
            before, times = memory("VmRSS"), [time.perf_counter()]
            for step in (lambda: self.system.load(job.x), self.system.run):
                step()
                times.append(time.perf_counter())
            return {"version": self.system.version, "load": times[1] - times[0], "first": times[2] - times[1],
                    "whole": sinceStart(), "before": before, "peak": memory("VmHWM")}
        if what == "check":
            return compared(self.system.output(), self.want)
        if what == "time":
            run, clock, values = self.system.run, time.perf_counter, []
            start = clock()
            for _ in range(1000):  # caches and threads are another system's until now
                run()
                if clock() - start > command["seconds"] / 4:
                    break
            end, cpu = clock() + command["seconds"], time.process_time()
            while not values or clock() < end:
                start = clock()
                run()
                values.append(clock() - start)
            return {"values": values, "cpu": (time.process_time() - cpu) / len(values)}
        raise RuntimeError(f"unknown command {what!r}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("system")
    parser.add_argument("network")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--cores", required=True)
    parser.add_argument("--folder", required=True)
    args = parser.parse_args()
    return serve(args, Worker, (Missing, ImportError))


if __name__ == "__main__":
    sys.exit(main())
