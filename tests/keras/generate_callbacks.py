#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes callbacks.json: what real Keras 3's callbacks do on given logs, for the test to replay.

    KERAS_BACKEND=jax venv/bin/python tests/keras/generate_callbacks.py

The callbacks' own methods are called with a model that only remembers. Each case has the options, the
logs of every epoch (and batch), and what happened: stops, restored weights, learning rates, saved
paths, printed text, files. `trace` is [stopped, rate, rate in the logs] of each epoch. Infinite and
NaN values are strings. Progress bars run on a clock of ours.
"""
import contextlib
import io
import json
import math
import os
import pathlib
import random
import tempfile
import types
import warnings

os.environ.setdefault("KERAS_BACKEND", "jax")
import keras  # noqa: E402
from keras.src.trainers.compile_utils import MetricsList  # noqa: E402
from keras.src.utils import progbar  # noqa: E402

HERE = pathlib.Path(__file__).parent
RNG = random.Random(2026)
DIRECTIONS = {"accuracy": "up", "error": "down", "odd": ""}


class Model:
    """What callbacks touch of a model. Weights are the number of the epoch that made them."""

    def __init__(self):
        self.stop_training = False
        self.weights = -1
        self.saved = []
        self.optimizer = keras.optimizers.SGD(0.1)
        metrics = [types.SimpleNamespace(name=name, **({"_direction": direction} if direction else {}))
                   for name, direction in DIRECTIONS.items()]
        self.metrics = [MetricsList(metrics)]

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = weights

    def save(self, path, overwrite=True):
        self.saved.append(["model", path])

    def save_weights(self, path, overwrite=True):
        self.saved.append(["weights", path])


def plain(value):
    return value if math.isfinite(value) else repr(value)


def rows(logs):
    return [{name: plain(value) for name, value in row.items()} for row in logs]


def sequence(length):
    """A metric that falls, stays, jumps; now and then a tie, a NaN a step as small as a delta, or one
    that float cannot tell."""
    value, out = RNG.uniform(0.5, 2), []
    for _ in range(length):
        value = max(1e-3, value + RNG.choice([-0.2, -0.05, -0.001, -1e-4, 0, 0, 0.05]) * RNG.choice([1, 1, 0.5]))
        value = round(value, 4) + RNG.choice([0, 0, 0, 1e-9])
        out.append(math.nan if RNG.random() < 0.02 else value)
    return out


def epochs(length, names):
    columns = {name: sequence(length) for name in names}
    return [{name: columns[name][i] for name in names} for i in range(length)]


def run(callback, model, logs, batches=0, batch_logs=None):
    """fit()'s calls. Returns what was printed, how many warnings there were, and each epoch's state."""
    text, trace = io.StringIO(), []
    with contextlib.redirect_stdout(text), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        callback.set_model(model)
        callback.set_params({"epochs": len(logs), "steps": batches, "verbose": 0})
        callback.on_train_begin()
        for epoch, row in enumerate(logs):
            callback.on_epoch_begin(epoch)
            for batch in range(batches):
                callback.on_train_batch_begin(batch)
                callback.on_train_batch_end(batch, dict(batch_logs[epoch][batch]))
            model.weights = epoch
            row = dict(sorted(row.items()))
            callback.on_epoch_end(epoch, row)
            trace.append([model.stop_training, float(model.optimizer.learning_rate), row.get("learning_rate")])
            if model.stop_training:
                break
        callback.on_train_end({})
    return {"text": text.getvalue(), "warnings": sum(one.category is UserWarning for one in caught), "trace": trace, "weights": model.weights,
            "saved": model.saved}


def early_stopping():
    out = []
    for i in range(60):
        monitor = RNG.choice(["val_loss", "val_loss", "loss", "val_accuracy", "error"])
        options = {"monitor": monitor, "min_delta": RNG.choice([0, 0, 1e-4, 0.001, -0.05, 1e-8]), "patience": RNG.randint(0, 4),
                   "verbose": 1, "mode": RNG.choice(["auto", "auto", "min", "max"]),
                   "restore_best_weights": RNG.random() < 0.6, "start_from_epoch": RNG.choice([0, 0, 0, 2, 4])}
        if RNG.random() < 0.3:
            options["baseline"] = round(RNG.uniform(0.5, 1.5), 4)
        logs = epochs(14, ["loss", monitor])
        if i % 10 == 9:  # a metric that is missing
            for row in logs[::3]:
                row.pop(monitor)
        out.append({"options": options, "logs": rows(logs),
                    "expected": run(keras.callbacks.EarlyStopping(**options), Model(), logs)})
    return out


def reduce_on_plateau():
    out = []
    for i in range(40):
        monitor = RNG.choice(["val_loss", "loss", "accuracy"])
        options = {"monitor": monitor, "factor": RNG.choice([0.1, 0.5, 0.2]), "patience": RNG.randint(0, 3), "verbose": 1,
                   "mode": RNG.choice(["auto", "min", "max"]), "min_delta": RNG.choice([1e-4, 0, 0.01]),
                   "cooldown": RNG.randint(0, 3), "min_lr": RNG.choice([0.0, 0.0, 0.01, 0.1])}
        logs = epochs(16, ["loss", monitor])
        out.append({"options": options, "logs": rows(logs),
                    "expected": run(keras.callbacks.ReduceLROnPlateau(**options), Model(), logs)})
    return out


def checkpoints():
    out = []
    paths = ["DIR/last.keras", "DIR/{epoch:02d}-{val_loss:.2f}.keras", "DIR/deep/{epoch}/{loss:.3e}_{accuracy}.keras",
             "DIR/{{{epoch:>4}}}-{val_loss:08.3f}.keras", "DIR/{epoch:+d}{loss:g}.weights.h5", "DIR/w{accuracy:<9.4f}.weights.h5"]
    for i in range(24):
        path = paths[i % len(paths)]
        batches = 4 if i % 3 == 2 else 0
        if batches:
            path = path.replace("{epoch", "b{batch:03d}-{epoch", 1)
        options = {"filepath": path, "monitor": RNG.choice(["val_loss", "loss", "accuracy"]), "verbose": 1,
                   "save_best_only": RNG.random() < 0.6, "save_weights_only": path.endswith(".h5"),
                   "mode": RNG.choice(["min", "max"]) if batches else RNG.choice(["auto", "min", "max"])}
        if batches:
            options["save_freq"] = RNG.choice([1, 3, 5])
        if RNG.random() < 0.3:
            options["initial_value_threshold"] = round(RNG.uniform(0.5, 1.5), 4)
        names = ["loss", "accuracy", "val_loss"]
        logs = epochs(6, names)
        batch_logs = [epochs(batches, names) for _ in logs]
        callback = keras.callbacks.ModelCheckpoint(**options)
        if batches:
            callback._set_monitor_op()  # Keras does this at the end of the first epoch only, too late
        model = Model()
        with tempfile.TemporaryDirectory() as folder:
            callback.filepath = callback.filepath.replace("DIR", folder)
            expected = run(callback, model, logs, batches, batch_logs)
            expected = json.loads(json.dumps(expected).replace(folder, "DIR"))
        out.append({"options": options, "logs": rows(logs), "batches": [rows(b) for b in batch_logs], "expected": expected})
    return out


def csv_files():
    out = []
    odd = [0.1, 1e-5, 1e-4, 123456789.0, 1e16, 1.5e15, 1e22, 3.0, -0.0, 2 / 3, 0.10000000149011612, 5e-324, 1.7976931348623157e308,
           math.nan, math.inf, -math.inf, 0.30000000000000004, 12345678901234567.0]
    cases = [
        ({}, [[{"loss": a, "accuracy": b} for a, b in zip(odd, reversed(odd))]]),
        ({"separator": ";"}, [[{"val_loss": 0.5, "loss": 0.25}, {"loss": 0.125}, {"loss": 1.0, "val_loss": 2.0, "more": 1.0}]]),
        ({"append": True}, [[{"loss": 0.5}], [{"loss": 0.25}, {"loss": 0.125, "val_loss": 3.0}]]),
        ({"append": False}, [[{"loss": 0.5}], [{"loss": 0.25, "val_loss": 1.0}]]),
        ({}, [[{"a,b": 1.0, 'c"d': 2.0, "loss": 3.0}]]),
    ]
    for options, fits in cases:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "log.csv")
            for logs in fits:
                run(keras.callbacks.CSVLogger(path, **options), Model(), logs)
            with open(path, newline="") as file:
                text = file.read()
        out.append({"options": options, "fits": [rows(logs) for logs in fits], "file": text})
    return out


def schedules():
    """The schedule is: the rate, halved from epoch 2 on."""
    model = Model()
    callback = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate if epoch < 2 else rate * 0.5, verbose=1)
    return run(callback, model, [{"loss": 1.0}] * 5)


def digits(exponent):
    return float(f"{RNG.random() * 10 ** exponent:.6g}")


def progress():
    """Keras's Progbar on a clock of ours. Backspaces are left out: the carriage return does their work."""
    out = []
    for target, steps, verbose, stride in [(10, 10, 1, 0.03), (10, 10, 2, 0.03), (None, 5, 1, 0.2), (None, 5, 2, 0.2), (3, 3, 1, 1.7),
                                           (1875, 40, 1, 0.09), (100000, 12, 1, 0.4), (800, 6, 1, 0.2), (7, 7, 1, 2e-5), (120, 120, 2, 3e-4)]:
        clock = [1000.0]
        progbar.time = types.SimpleNamespace(time=lambda: clock[0])
        text, calls, pieces = io.StringIO(), [], []
        with contextlib.redirect_stdout(text):
            bar = progbar.Progbar(target=target, verbose=verbose, stateless_metrics=set())
            bar._dynamic_display = True
            for i in range(steps):
                clock[0] = round(clock[0] + stride * RNG.uniform(0.5, 1.5), 6)
                values = {"accuracy": digits(RNG.randint(-5, 4)), "loss": digits(RNG.randint(-4, 2))}
                call = {"time": clock[0], "current": i + 1, "logs": dict(values), "finalize": False}
                calls.append(call)
                if verbose == 1:  # as ProgbarLogger does
                    bar.update(i + 1, list(values.items()), finalize=False)
                pieces.append(text.getvalue().replace("\b", ""))
                text.seek(0), text.truncate()
            clock[0] += stride
            if target is None:
                bar.target = steps
            values["val_loss"] = -0.25 if verbose == 1 else 0.25
            bar.update(bar.target, list(values.items()), finalize=True)
            calls.append({"time": clock[0], "current": bar.target, "logs": dict(values), "finalize": True})
            pieces.append(text.getvalue().replace("\b", ""))
        out.append({"target": -1 if target is None else target, "bar": verbose == 1, "start": 1000.0, "calls": calls, "text": pieces})
    return out


def main():
    # Keras writes to standard output in interactive mode only when it is told so.
    keras.config.enable_interactive_logging()
    cases = {"early_stopping": early_stopping(), "reduce_lr_on_plateau": reduce_on_plateau(), "model_checkpoint": checkpoints(),
             "csv_logger": csv_files(), "learning_rate_scheduler": schedules(), "progress": progress()}
    lines = ['"keras": ' + json.dumps(keras.__version__), '"directions": ' + json.dumps(DIRECTIONS)]
    for name, value in cases.items():
        many = value if isinstance(value, list) else [value]
        lines.append(json.dumps(name) + ": [\n" + ",\n".join(json.dumps(one, separators=(",", ":")) for one in many) + "\n]")
    (HERE / "callbacks.json").write_text("{" + ",\n".join(lines) + "}\n")


if __name__ == "__main__":
    main()
