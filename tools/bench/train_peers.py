# SPDX-License-Identifier: Apache-2.0
"""Training steps of Cornet beside Keras on TensorFlow and PyTorch: the same networks, weights and batches.

Each system runs in a process of its own, on the same cores; in each round all of them take their turn, so
that a noisy neighbour meets all. First the systems compute probabilities and losses from the same weights,
which must agree. Then come step times: their medians, their minima and the processors' time (which a busy
machine disturbs least; with several threads it counts their waiting, too), each with the ratio of Cornet's
to it: below 1, Cornet is faster. Last comes the speed of whole epochs of fit(). Run by tools/bench/peers --train.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

import numpy as np

from train_workers import BATCH, BUILD, SHAPE
from turns import Failure, Process, torchPython

WORKER = pathlib.Path(__file__).with_name("train_workers.py")
FOLDER = pathlib.Path(__file__).resolve().parents[2] / "build" / "train-peers-models"
TITLES = {"cornet": "Cornet", "torch": "PyTorch eager", "torch-compile": "torch.compile",
          "keras": "Keras (TensorFlow)", "keras-jit": "Keras (XLA)"}
RANDOM = {"digits"}  # dropout: the losses of training are each system's own


def startWorker(python, system, network, cores):
    command = [python, WORKER, system, network, "--threads", str(len(cores)),
               "--cores", ",".join(map(str, cores)), "--folder", FOLDER]
    return Process(command, FOLDER / f"{system}-{network}.log")


def say(text=""):
    print(text, flush=True)


def ms(seconds):
    return f"{seconds * 1e3:.3f}" if seconds < 0.01 else f"{seconds * 1e3:.1f}"


def writeBatch(network):
    random = np.random.default_rng(8)
    x = random.normal(size=(BATCH[network], *SHAPE[network])).astype("float32")
    y = random.integers(0, 10, BATCH[network]).astype("int32")
    np.savez(FOLDER / f"{network}.npz", x=x, y=y)


def check(network, system, probabilities, losses, want):
    """Compares with Cornet's; a system that computes something else is no peer."""
    difference = float(np.abs(np.array(probabilities) - np.array(want["probabilities"])).max())
    text = f"{network}: {TITLES[system]} against Cornet: probabilities differ by {difference:.1e}"
    wrong = difference > 1e-3
    if network not in RANDOM:
        off = [abs(a - b) / abs(b) for a, b in zip(losses, want["losses"])]
        text += f", the losses of {len(off)} steps by {', '.join(f'{o:.1e}' for o in off)} of them"
        # The first loss is one forward pass; later ones meet chaotic growth of rounding.
        wrong |= off[0] > 1e-4 or max(off) > 2e-2
    say(text)
    if wrong:
        raise Failure("computes something else than Cornet")


def begin(network, cores, systems, pythons, result):
    """Starts the workers and checks them; those that fail are told and left out."""
    workers, want = {}, None
    for system in systems:
        worker = startWorker(pythons[system], system, network, cores)
        try:
            if system == "cornet":
                worker.ask("export")
            started = worker.ask("start")
            probabilities = worker.ask("predict")["values"]
            losses = worker.ask("losses", steps=3)
            if system == "cornet":
                want = {"probabilities": probabilities, "losses": losses["values"]}
                say(f"{network}: Cornet's losses {', '.join(f'{loss:.6f}' for loss in losses['values'])}")
            else:
                check(network, system, probabilities, losses["values"], want)
            worker.ask("time", seconds=0.05)
            result[system] = {"version": started["version"], "start_seconds": started["seconds"],
                              "first_step_seconds": losses["first"], "losses": losses["values"], "steps": [], "cpu": []}
            workers[system] = worker
        except Failure as failure:
            worker.close()
            if system == "cornet":
                raise SystemExit(f"train_peers: {network}: Cornet: {failure}")
            result[system] = {"error": str(failure)}
            say(f"{network}: {TITLES[system]}: NOT MEASURED: {failure}")
    return workers


def compare(network, cores, args, systems, pythons):
    result = {}
    writeBatch(network)
    workers = begin(network, cores, systems, pythons, result)
    rounds, end = 0, time.monotonic() + args.seconds
    while rounds < args.rounds or time.monotonic() < end:
        rounds += 1
        for system, worker in workers.items():
            if len(cores) > 1:
                time.sleep(0.03)  # until another's waiting threads have stopped spinning on our cores
            done = worker.ask("time", seconds=0.05)
            result[system]["steps"].extend(done["values"])
            result[system]["cpu"].append(done["cpu"])
    for system in workers:
        entry = result[system]
        steps, cpu = entry.pop("steps"), entry.pop("cpu")
        entry.update(count=len(steps), median_seconds=statistics.median(steps), least_seconds=min(steps),
                     cpu_seconds=statistics.median(cpu))
        for kind in ("median", "least", "cpu"):
            entry[kind + "_ratio"] = result["cornet"][kind + "_seconds"] / entry[kind + "_seconds"]
    slower = any(entry.get("median_ratio", 0) > 1 for entry in result.values())
    if args.profile or slower:
        result["cornet"]["profile"] = workers["cornet"].ask("profile")["steps"]
    for worker in workers.values():
        worker.close()
    return {"network": network, "batch": BATCH[network], "threads": len(cores), "rounds": rounds, "systems": result}


def showSteps(run):
    say(f"\n{run['network']}, batch {run['batch']}, {run['threads']} thread{'s' if run['threads'] > 1 else ''}, {run['rounds']} rounds")
    say(f"  {'system':20}" + "".join(f"{title:>10} {'ratio':>6}" for title in ("median ms", "least ms", "CPU ms"))
        + f"{'steps':>7} {'start s':>8} {'first step s':>13}")
    for system, entry in run["systems"].items():
        if "error" in entry:
            say(f"  {TITLES[system]:20} {'-':>9}  not measured: {entry['error']}")
            continue
        columns = "".join(f"{ms(entry[kind + '_seconds']):>10} {entry[kind + '_ratio']:6.2f}" for kind in ("median", "least", "cpu"))
        say(f"  {TITLES[system]:20}{columns}{entry['count']:7} {entry['start_seconds']:8.2f} {entry['first_step_seconds']:13.3f}")
    profile = run["systems"]["cornet"].get("profile")
    if profile:
        total = sum(step[0] for step in profile)
        say(f"  Cornet's step by parts, {len(profile)} in {total / 1e6:.3f} ms:")
        for ns, layer, implementation, summary in profile[:12]:
            say(f"    {ns / 1e6:8.3f} ms {ns / total:4.0%}  {layer}: {implementation}: {summary[:150]}")


def fitOnce(system, network, cores, rows, epochs, pythons):
    if system == "cornet":
        command = [BUILD / "bin" / "train_artifacts", "--fit", network, str(rows), str(epochs), str(len(cores))]
        done = subprocess.run(command, capture_output=True, text=True, preexec_fn=lambda: os.sched_setaffinity(0, cores))
        if done.returncode:
            raise Failure(done.stderr.strip())
        return json.loads(done.stdout)
    worker = startWorker(pythons[system], system, network, cores)
    try:
        return worker.ask("fit", rows=rows, epochs=epochs)
    finally:
        worker.close()


def compareFit(network, cores, args, pythons):
    """Samples per second of fit(), systems in turns; the first epoch has the compilation in it."""
    rows, epochs, turns = (3200, 4, 1) if args.quick else (12800, 20, 3)
    out = {"network": network, "threads": len(cores), "rows": rows, "epochs": epochs, "systems": {}}
    for _ in range(turns):
        for system in ("cornet", "keras", "keras-jit"):
            entry = out["systems"].setdefault(system, {"warm": [], "whole": []})
            try:
                done = fitOnce(system, network, cores, rows, epochs, pythons)
            except Failure as failure:
                entry["error"] = str(failure)
                continue
            entry["warm"].append(rows * (epochs - 1) / sum(done["epochs"][1:]))
            entry["whole"].append(rows * epochs / done["total"])
    say(f"\nfit, {network}, {rows} rows, batch {BATCH[network]}, {epochs} epochs, {len(cores)} thread{'s' if len(cores) > 1 else ''}, {turns} turns")
    say(f"  {'system':20} {'samples/s after the first epoch':>32} {'with it and compilation':>24}")
    for system, entry in out["systems"].items():
        if "error" in entry:
            say(f"  {TITLES[system]:20} not measured: {entry['error']}")
        else:
            say(f"  {TITLES[system]:20} {statistics.median(entry['warm']):32,.0f} {statistics.median(entry['whole']):24,.0f}")
    return out


def hasTorch(python):
    return subprocess.run([python, "-c", "import torch"], capture_output=True).returncode == 0


def main():
    parser = argparse.ArgumentParser(prog="tools/bench/peers --train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=",".join(BATCH), help="of " + ",".join(BATCH))
    parser.add_argument("--threads", default="1,2", help="thread counts, each run on as many cores")
    parser.add_argument("--seconds", type=float, default=30, help="of rounds for each network and thread count")
    parser.add_argument("--quick", action="store_true", help="3 rounds, a short fit")
    parser.add_argument("--no-fit", action="store_true", help="single steps only")
    parser.add_argument("--profile", action="store_true", help="Cornet's step by parts, also where it is the fastest")
    parser.add_argument("--json", metavar="FILE", help="write all results there")
    parser.add_argument("--torch-python", default=torchPython(BUILD.parent), metavar="PYTHON",
                        help="an interpreter that has numpy and PyTorch; default: build/peers-torch's")
    args = parser.parse_args()
    args.rounds, args.seconds = (3, 0) if args.quick else (9, args.seconds)
    networks, threads = args.models.split(","), [int(count) for count in args.threads.split(",")]
    unknown = [name for name in networks if name not in BATCH]
    cores = sorted(os.sched_getaffinity(0))
    if unknown or min(threads) < 1:
        parser.error(f"unknown networks {', '.join(unknown)}; known: {', '.join(BATCH)}" if unknown else "--threads are counts from 1")
    if max(threads) > len(cores):
        parser.error(f"--threads {max(threads)}: this process may use {len(cores)} cores")

    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown CPU")
    say(f"CPU: {cpu}; load {os.getloadavg()[0]:.1f} at the start")
    FOLDER.mkdir(parents=True, exist_ok=True)
    subprocess.run([BUILD / "bin" / "train_artifacts", FOLDER, *networks], check=True)
    pythons = {system: args.torch_python if "torch" in system else sys.executable for system in TITLES}
    systems = [system for system in TITLES if "torch" not in system]
    if hasTorch(args.torch_python):
        systems[1:1] = ["torch", "torch-compile"]
    else:
        say(f"PyTorch: NOT MEASURED: {args.torch_python} cannot import torch; tools/setup peers-torch installs it, "
            "--torch-python names another interpreter")
    results = {"cpu": cpu, "steps": [], "fit": []}
    for network in networks:
        for count in threads:
            results["steps"].append(compare(network, cores[:count], args, systems, pythons))
            showSteps(results["steps"][-1])
    if "mlp" in networks and not args.no_fit:
        for count in threads:
            results["fit"].append(compareFit("mlp", cores[:count], args, pythons))
    say(f"\nversions: {'; '.join(sorted({entry['version'] for run in results['steps'] for entry in run['systems'].values() if 'version' in entry}))}"
        f"; load {os.getloadavg()[0]:.1f} at the end")
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(results, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
