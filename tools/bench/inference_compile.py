# SPDX-License-Identifier: Apache-2.0
"""The files that the workers of tools/bench/inference_peers.py load, and what making them costs.

Networks come from inference_models.py, in a process of its own, and stay until its text or a version changes.
Every function here leaves F/NETWORK-bBATCH[-PRECISION].KIND and gives {"seconds", "bytes"}, or raises Failure
with a sentence. Cornet is compiled anew each time, from an empty cache of kernels and once more from the full
one ("cached"); what peers compile ahead of time is kept beside its time, for as long as the network is.
"""
import hashlib
import importlib.util
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np

from turns import Failure

HERE = pathlib.Path(__file__).resolve().parent
CORNET = HERE.parents[1] / "build" / "release" / "bin" / "cornet"


def command(arguments, limit=None, **more):
    """Runs; the last line of what it said is the failure's sentence. Gives the seconds."""
    start = time.monotonic()
    try:
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=limit, **more)
    except subprocess.TimeoutExpired:
        raise Failure(f"{pathlib.Path(arguments[0]).name} took longer than {limit:.0f} s") from None
    except FileNotFoundError:
        raise Failure(f"{arguments[0]} is not there") from None
    if done.returncode:
        said = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        errors = [line for line in said if re.search(r"^peers: |(error|Error): ", line)]
        name = pathlib.Path(arguments[0]).name
        ended = f"{name} was ended by signal {-done.returncode}" if done.returncode < 0 else f"{name} ended with status {done.returncode}"
        raise Failure((errors or [ended])[-1].strip()[:300])
    return time.monotonic() - start


def have(package):
    if importlib.util.find_spec(package) is None:
        raise Failure(f"the package {package} is not installed")


def prepare(folder, versions):
    """Empties the folder if what made its files has changed."""
    stamp = hashlib.sha256(json.dumps(versions, sort_keys=True).encode())
    for name in ("inference_models.py", "onnx_export.py"):
        stamp.update((HERE / name).read_bytes())
    if folder.exists() and (folder / "stamp").exists() and (folder / "stamp").read_text() == stamp.hexdigest():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "stamp").write_text(stamp.hexdigest())


def network(folder, name, batch):
    if not (folder / f"{name}-b{batch}.npz").exists():
        command([sys.executable, HERE / "inference_models.py", folder, name, str(batch)])
    with np.load(folder / f"{name}-b{batch}.npz") as file:
        file["x"].tofile(folder / f"{name}-b{batch}.rows")  # for bin/cold_start


def cornetPrecisions():
    said = subprocess.run([CORNET, "compile", "--help"], capture_output=True, text=True).stdout
    return ("fp32", "bf16") if "--precision" in said else ("fp32",)


def cornet(folder, name, batch, precision, limit):
    if precision not in cornetPrecisions():
        raise Failure(f"this cornet has no --precision={precision}")
    target = folder / f"{name}-b{batch}-{precision}.cornet"
    line = [CORNET, "compile", folder / f"{name}.keras", "-o", target, "--batch", str(batch), "--quiet", "--no-self-test",
            "--threads", str(len(os.sched_getaffinity(0)))] + ([] if precision == "fp32" else [f"--precision={precision}"])
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "CORNET_CACHE_DIR": cache}
        seconds, cached = (command(line, limit, env=environment) for _ in range(2))
    return {"seconds": seconds, "cached": cached, "bytes": target.stat().st_size}


def kept(target, make):
    """Makes a file once; its time is kept in a file beside it."""
    note = target.with_name(target.name + ".json")
    if not (target.exists() and note.exists()):
        temporary = target.with_name("unfinished-" + target.name)
        seconds = make(temporary)
        temporary.rename(target)
        note.write_text(json.dumps({"seconds": seconds, "bytes": target.stat().st_size}))
    return json.loads(note.read_text())


def iree(folder, name, batch, precision, limit):
    """ONNX to MLIR, which is not counted, and MLIR to a module for this CPU."""
    have("iree.compiler")
    tools = pathlib.Path(sys.executable).parent

    def make(target):
        text = target.with_suffix(".mlir")
        try:
            command([tools / "iree-import-onnx", folder / f"{name}-b{batch}.onnx", "-o", text], limit)
            return command([tools / "iree-compile", text, "-o", target, "--iree-hal-target-device=local", "--iree-opt-level=O3",
                            "--iree-hal-local-target-device-backends=llvm-cpu", "--iree-llvmcpu-target-cpu=host"], limit)
        finally:
            text.unlink(missing_ok=True)
    return kept(folder / f"{name}-b{batch}.vmfb", make)


def litert(folder, name, batch, precision, limit):
    """Keras to TensorFlow Lite, from a fresh Python on; the kernels are the runtime's."""
    have("ai_edge_litert")
    have("tensorflow")
    target = folder / f"{name}-b{batch}.tflite"
    if not target.exists():
        command([sys.executable, HERE / "inference_models.py", folder, name, str(batch), "--litert"], limit)
    return {"bytes": target.stat().st_size}


def loaded(kind):
    """Nothing is compiled ahead of time: the exported file itself is loaded."""
    def sizes(folder, name, batch, precision, limit):
        return {"bytes": (folder / kind.format(name=name, batch=batch)).stat().st_size}
    return sizes


ONNX, KERAS, TORCH = loaded("{name}-b{batch}.onnx"), loaded("{name}.keras"), loaded("{name}.graph.npz")
COMPILERS = {"cornet": cornet, "onnxruntime": ONNX, "openvino": ONNX, "torch": TORCH, "torch-compile": TORCH,
             "keras": KERAS, "keras-tf": KERAS, "iree": iree, "litert": litert}
