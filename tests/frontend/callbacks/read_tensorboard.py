#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads what write_tensorboard wrote with TensorBoard's own reader, and asks its server.

    read_tensorboard.py WRITE_TENSORBOARD

Makes the virtual environment build/tensorboard with tools/setup when it is not there, and goes on in it;
exits with 77 (skipped) when it cannot be made.
"""
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[3]
PYTHON = ROOT / "build" / "tensorboard" / "bin" / "python"


def moveIntoEnvironment():
    """Starts this script again in the virtual environment, unless it runs there."""
    if os.environ.get("CORNET_IN_TENSORBOARD"):
        return
    if subprocess.call([ROOT / "tools" / "setup", "tensorboard"]) != 0 or not PYTHON.exists():
        print("skipped: build/tensorboard cannot be made")
        sys.exit(77)
    os.execve(PYTHON, [str(PYTHON), *sys.argv], {**os.environ, "CORNET_IN_TENSORBOARD": "1"})


def equal(what, found, expected):
    if found != expected:
        sys.exit(f"{what}: found {found!r}, expected {expected!r}")


def same(a, b):
    return (math.isnan(a) and math.isnan(b)) or abs(a - b) <= 1e-6 * max(1, abs(b))


def load(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    run = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    run.Reload()
    return run


def series(run, tag):
    from tensorboard.util import tensor_util
    return [(event.step, tensor_util.make_ndarray(event.tensor_proto)) for event in run.Tensors(tag)]


def checkScalars(run, expected):
    for tag, points in expected.items():
        found = series(run, tag)
        equal(tag + ": steps", [step for step, _ in found], [step for step, _ in points])
        for (step, value), (_, wanted) in zip(found, points):
            equal(tag + ": shape", value.shape, ())
            if not same(float(value), wanted):
                sys.exit(f"{tag} at {step}: found {value}, expected {wanted}")
        metadata = run.SummaryMetadata(tag)
        equal(tag + ": plugin", metadata.plugin_data.plugin_name, "scalars")


def checkHistograms(run):
    """Against the buckets that TensorBoard's own code makes of the same values."""
    import numpy
    from tensorboard.plugins.histogram.summary_v2 import histogram_pb
    from tensorboard.util import tensor_util
    for tag, weights in (("block/dense/kernel/histogram", lambda epoch: numpy.arange(1000) % 100 * 0.25 - epoch),
                         ("block/dense/bias/histogram", lambda epoch: [2, 2, 2])):
        found = series(run, tag)
        equal(tag + ": steps", [step for step, _ in found], [0, 1, 2])
        equal(tag + ": plugin", run.SummaryMetadata(tag).plugin_data.plugin_name, "histograms")
        for step, buckets in found:
            wanted = tensor_util.make_ndarray(histogram_pb(tag, weights(step)).value[0].tensor)
            equal(tag + ": shape", buckets.shape, wanted.shape)
            numpy.testing.assert_allclose(buckets, wanted, rtol=1e-12, atol=1e-12)


def checkGraph(run):
    graph = run.Graph()
    equal("nodes", [(node.name, node.op, list(node.input)) for node in graph.node],
          [("input", "Input", []), ("block/dense/kernel", "Variable", []),
           ("block/dense/matmul", "cornet.matmul", ["input", "block/dense/kernel"])])
    shape = graph.node[2].attr["_output_shapes"].list.shape[0]
    equal("shape", [dim.size for dim in shape.dim], [-1, 100])


def checkFile(path):
    """Every record's sums, and the head that TensorBoard looks for."""
    from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
    from tensorboard.compat.proto import event_pb2
    events = [event_pb2.Event.FromString(record) for record in RawEventFileLoader(str(path)).Load()]
    equal("file_version", events[0].file_version, "brain.Event:2")
    equal("writer", events[0].source_metadata.writer, "cornet")
    now = time.time()
    for event in events:
        if not now - 3600 < event.wall_time <= now + 1:
            sys.exit(f"wall_time {event.wall_time} is not of the last hour")
    return len(events)


def checkServer(folder):
    """What a browser is told: the runs, their tags and points, on the loopback interface."""
    from tensorboard import default, program
    board = program.TensorBoard(plugins=default.get_plugins())
    board.configure(argv=[None, "--logdir", str(folder), "--port", "0", "--host", "127.0.0.1",
                          "--load_fast", "false", "--reload_interval", "1"])
    url = board.launch()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask(path):
        with opener.open(url + "data/" + path, timeout=10) as answer:
            return json.load(answer)

    for _ in range(60):
        tags = ask("plugin/scalars/tags")
        if len(tags) == 2:
            break
        time.sleep(0.5)
    equal("runs", sorted(tags), ["train", "validation"])
    equal("validation's tags", sorted(tags["validation"]), ["epoch_loss", "evaluation_loss_vs_iterations"])
    points = ask("plugin/scalars/scalars?run=validation&tag=epoch_loss")
    equal("points", [(step, value) for _, step, value in points], [(0, 2.0), (1, 3.0), (2, 4.0)])
    equal("histograms", sorted(ask("plugin/histograms/tags")["train"]),
          ["block/dense/bias/histogram", "block/dense/kernel/histogram"])
    equal("graph", ask("plugin/graphs/info")["train"]["run_graph"], True)


def main():
    moveIntoEnvironment()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.check_call([sys.argv[1], folder])
        folder = pathlib.Path(folder)
        files = sorted(folder.rglob("*tfevents*"))
        equal("folders", [path.parent.name for path in files], ["train", "validation"])
        count = sum(checkFile(path) for path in files)
        train, validation = load(folder / "train"), load(folder / "validation")
        checkScalars(train, {
            "epoch_loss": [(0, 1), (1, 1 / 2), (2, 1 / 3)],
            "epoch_accuracy": [(0, 0.5), (1, 0.5), (2, math.nan)],
            "epoch_learning_rate": [(0, 0.1), (1, 0.05), (2, 0.1 / 3)],
            "batch_loss": [(step, 1 / step) for step in range(2, 13, 2)],
        })
        checkScalars(validation, {
            "epoch_loss": [(0, 2), (1, 3), (2, 4)],
            "evaluation_loss_vs_iterations": [(4, 2), (8, 3), (12, 4)],
        })
        for tag, steps in (("epoch_steps_per_second", [0, 1, 2]), ("batch_steps_per_second", list(range(2, 13, 2)))):
            found = series(train, tag)
            equal(tag, [step for step, _ in found], steps)
            if not all(value > 0 for _, value in found):
                sys.exit(f"{tag}: {found}")
        checkHistograms(train)
        checkGraph(train)
        checkServer(folder)
    print(f"{count} events read")


if __name__ == "__main__":
    main()
