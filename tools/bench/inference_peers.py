# SPDX-License-Identifier: Apache-2.0
"""Inference of Cornet beside other systems: the same Keras networks, weights and rows.

Each system runs in a process of its own, on the same cores; in each round all of them take their turn, so
that a noisy neighbour meets all. First every output is compared with Keras's; a system that computes something
else is not timed. Then come medians over all calls, the ratio of Cornet's to the best peer's (below 1, Cornet
is faster), and what it costs to get there: from a fresh process to the first answer, memory, files, compilation.
Systems whose package is missing are told and left out. Run by tools/bench/peers.
"""
import argparse
import importlib.metadata
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

import numpy as np

import inference_compile
import inference_report
from turns import Failure, Process, torchPython

WORKER = pathlib.Path(__file__).with_name("inference_workers.py")
FOLDER = pathlib.Path(__file__).resolve().parents[2] / "build" / "inference-peers"
TITLES = {"cornet": "Cornet", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "torch": "PyTorch",
          "torch-compile": "torch.compile", "iree": "IREE", "litert": "LiteRT", "keras": "Keras (JAX)", "keras-tf": "Keras (TF)"}
MODELS = ["mlp", "digits", "mobilenetv2", "resnet50", "vgg16", "inceptionv3", "efficientnetb0"]
LIMITS = {"fp32": (0.99999, 1e-3), "bf16": (0.97, 0.2)}  # least cosine, largest difference of probabilities


def say(text=""):
    print(text, flush=True)


def startWorker(case, system, args):
    """One system's process; its caches on disk are this benchmark's own."""
    environment = {**os.environ, "TORCHINDUCTOR_CACHE_DIR": str(FOLDER / "torch-cache"), "CUDA_VISIBLE_DEVICES": ""}
    command = [args.pythons.get(system, sys.executable), WORKER, system, case["model"], "--batch", str(case["batch"]),
               "--threads", str(case["threads"]), "--precision", case["precision"],
               "--cores", ",".join(map(str, args.cores[:case["threads"]])), "--folder", FOLDER]
    return Process(command, FOLDER / f"{system}-{case['model']}.log", environment)


def check(entry, precision):
    least, most = LIMITS[precision]
    if entry["cosine"] < least or entry["difference"] > most or (precision == "fp32" and not entry["top1"]):
        raise Failure(f"computes something else than Keras: cosine {entry['cosine']:.6f}, largest difference {entry['difference']:.1e}")


def begin(case, args, result):
    """Compiles, starts and checks the systems; those that fail are told and left out."""
    workers = {}
    for system in args.systems:
        entry, worker = result[system], None
        try:
            entry.update(args.compiled(system, case))
            if system == "torch-compile":
                shutil.rmtree(FOLDER / "torch-cache", ignore_errors=True)
            worker = startWorker(case, system, args)
            entry.update(worker.ask("start"))
            if system == "torch-compile":
                entry["compile_seconds"] = entry["load"] + entry["first"]
            entry.update(worker.ask("check"))
            check(entry, case["precision"])
            workers[system] = worker
        except Failure as failure:
            entry["error"] = str(failure)
            say(f"{inference_report.describe(case)}: {TITLES[system]}: NOT MEASURED: {failure}")
            if worker:
                worker.close()
    return workers


def measure(case, args):
    result = {system: {} for system in args.systems}
    workers, calls, cpu = begin(case, args, result), {}, {}
    rounds, end = 0, time.monotonic() + args.seconds
    while workers and (rounds < args.rounds or time.monotonic() < end):
        rounds += 1
        for system, worker in workers.items():
            if case["threads"] > 1:
                time.sleep(0.03)  # until another's waiting threads have stopped spinning on our cores
            done = worker.ask("time", seconds=args.slice)
            calls.setdefault(system, []).append(done["values"])
            cpu.setdefault(system, []).append(done["cpu"])
    for system, worker in workers.items():
        worker.close()
        values = [value for turn in calls[system] for value in turn]
        medians = [statistics.median(turn) for turn in calls[system]]
        result[system].update(seconds=statistics.median(values), least=min(values), calls=len(values), turns=medians, cpu=statistics.median(cpu[system]))
    return {**case, "rounds": rounds, "systems": result}


def coldStart(case, args):
    """Cornet's runtime alone in a process of its own, the answer checked by the class of the first row."""
    cores, stem = args.cores[:case["threads"]], f"{case['model']}-b{case['batch']}"
    command = [inference_compile.CORNET.with_name("cold_start"), FOLDER / f"{stem}-{case['precision']}.cornet",
               FOLDER / f"{stem}.rows", str(case["threads"])]
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    whole = time.perf_counter() - start  # the process's own clock knows its start to a hundredth of a second
    os.sched_setaffinity(0, own)
    if done.returncode:
        raise Failure(done.stderr.strip())
    with np.load(FOLDER / f"{stem}.npz") as file:
        want = int(file["want"][0].argmax())
    answer = json.loads(done.stdout)
    if case["precision"] == "fp32" and answer["top"] != want:
        raise Failure(f"cold_start finds class {answer['top']}, Keras {want}")
    return {**answer, "whole": whole}


def starts(case, args, result):
    """Fresh processes, systems in turns: medians of load, first call and both since exec; the highest memory."""
    found = {}
    for _ in range(args.starts):
        for system, entry in result["systems"].items():
            runs = found.setdefault(system, [])
            if "seconds" not in entry or sum(run["whole"] for run in runs) > 20:
                continue
            if system == "cornet":
                runs.append(coldStart(case, args))
                continue
            worker = startWorker(case, system, args)
            try:
                runs.append(worker.ask("start"))
            finally:
                worker.close()
    for system, runs in found.items():
        entry = result["systems"][system]
        if runs:
            entry.update({key: statistics.median(run[key] for run in runs) for key in ("load", "first", "whole", "before", "peak")}, starts=len(runs))
        if runs and system == "torch-compile":
            entry["compile_cached"] = entry["load"] + entry["first"]


def versions():
    names = ["onnx", "onnxruntime", "openvino", "keras", "tensorflow-cpu", "jax", "ai-edge-litert", "iree-base-compiler", "numpy"]
    found = {}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            pass
    return found


def arguments():
    parser = argparse.ArgumentParser(prog="tools/bench/peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=",".join(MODELS), help="of " + ",".join(MODELS))
    parser.add_argument("--systems", default=",".join(TITLES), help="of " + ",".join(TITLES))
    parser.add_argument("--threads", default="1", help="thread counts, each run on as many cores")
    parser.add_argument("--batch", default="1", help="batch sizes")
    parser.add_argument("--precision", default="fp32", help="of " + ",".join(LIMITS))
    parser.add_argument("--cores", help="the cores to measure on; default: those this process may use")
    parser.add_argument("--seconds", type=float, default=20, help="of rounds for each network, batch and thread count")
    parser.add_argument("--quick", action="store_true", help="3 rounds, 1 fresh process")
    parser.add_argument("--compile-limit", type=float, default=900, metavar="S", help="seconds after which a compiler is given up")
    parser.add_argument("--json", metavar="FILE", help="write all results there")
    parser.add_argument("--picture", metavar="FILE", help="draw the results there: .png, .svg or .pdf")
    parser.add_argument("--torch-python", default=torchPython(FOLDER.parent), metavar="PYTHON",
                        help="an interpreter that has numpy and PyTorch; default: build/peers-torch's")
    args = parser.parse_args()
    for name, known in (("models", MODELS), ("systems", TITLES), ("precision", LIMITS)):
        setattr(args, name, getattr(args, name).split(","))
        unknown = [value for value in getattr(args, name) if value not in known]
        if unknown:
            parser.error(f"--{name}: unknown {', '.join(unknown)}; known: {', '.join(known)}")
    for name in ("threads", "batch"):
        try:
            setattr(args, name, [int(value) for value in getattr(args, name).split(",")])
        except ValueError:
            parser.error(f"--{name} takes counts, such as 1,2")
        if min(getattr(args, name)) < 1:
            parser.error(f"--{name} counts from 1")
    if shutil.which(args.torch_python) is None:
        parser.error(f"--torch-python {args.torch_python}: no such program")
    args.cores = [int(core) for core in args.cores.split(",")] if args.cores else sorted(os.sched_getaffinity(0))
    if max(args.threads) > len(args.cores):
        parser.error(f"--threads {max(args.threads)}: there are {len(args.cores)} cores to measure on")
    args.slice, args.rounds, args.starts = 0.15, 3, 1 if args.quick else 5
    args.seconds = 0 if args.quick else args.seconds
    args.pythons = {"torch": args.torch_python, "torch-compile": args.torch_python}
    made = {}

    def compiled(system, case):
        """What making a system's file cost, made once in a run."""
        key = system, case["model"], case["batch"], case["precision"]
        if key not in made:
            made[key] = inference_compile.COMPILERS[system](FOLDER, *key[1:], args.compile_limit)
        return {f"file_{name}" if name == "bytes" else f"compile_{name}": value for name, value in made[key].items()}
    args.compiled = compiled
    return args


def main():
    args, found = arguments(), versions()
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown CPU")
    say(f"CPU: {cpu}; load {os.getloadavg()[0]:.1f} at the start; {', '.join(f'{name} {version}' for name, version in found.items())}")
    inference_compile.prepare(FOLDER, found)
    results = {"cpu": cpu, "versions": found, "cases": []}
    for precision in args.precision:
        for model in args.models:
            for batch in args.batch:
                inference_compile.network(FOLDER, model, batch)
                for threads in args.threads:
                    case = {"model": model, "batch": batch, "threads": threads, "precision": precision}
                    result = measure(case, args)
                    if (batch, threads) == (args.batch[0], args.threads[0]):
                        starts(case, args, result)
                    results["cases"].append(result)
                    inference_report.show(result, TITLES, say)
                    if args.json:
                        pathlib.Path(args.json).write_text(json.dumps(results, indent=1) + "\n")
    inference_report.summary(results, TITLES, say)
    if args.picture:
        import inference_picture
        inference_picture.draw(results, TITLES, args.picture)
    say(f"\nload {os.getloadavg()[0]:.1f} at the end")
    return 0


if __name__ == "__main__":
    sys.exit(main())
