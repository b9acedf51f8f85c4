#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the vectors the optimizer tests compare against, with real Keras 3.

    KERAS_BACKEND=jax venv/bin/python tests/keras/generate_optimizers.py

optimizers.json   problems: {variables: [{name, shape, data}], gradients: 20 steps x variables}.
                  optimizers: one case per class and option: {name, problem, optimizer (as Keras serializes it),
                  exclude, constraint (of the first variable), broken (0-based steps whose first gradient has an
                  infinity or, every other time, no number), after: {"1", "5", "20": the variables}, state: the
                  optimizer's variables after 20 steps, in Keras's order}.
                  schedules: {name, schedule, rates: at steps 0..29}.
"""
import json
import os
import pathlib

os.environ.setdefault("KERAS_BACKEND", "jax")
import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import optimizers as O  # noqa: E402
from keras.optimizers import schedules as S  # noqa: E402

HERE = pathlib.Path(__file__).parent
RNG = np.random.default_rng(2026)
STEPS = 20


def cells(value):
    return [float(f"{v:.9g}") for v in np.asarray(value, "float32").reshape(-1)]


def problem(**shapes):
    draws = {name: RNG.normal(0, 0.6, shape).astype("float32") for name, shape in shapes.items()}
    gradients = [[RNG.normal(0, 0.7, shape).astype("float32") for shape in shapes.values()] for _ in range(STEPS)]
    return draws, gradients


PROBLEMS = {
    "tall": problem(**{"dense/kernel": (4, 3), "dense/bias": (3,)}),
    "wide": problem(**{"dense/kernel": (3, 5), "conv/kernel": (2, 1, 3, 2)}),
    "embedding": problem(**{"embedding/embeddings": (3, 4), "dense/kernel": (4, 4)}),
}


def variables_of(draws):
    made = []
    for path, value in draws.items():
        scope, name = path.split("/")
        with keras.src.backend.name_scope(scope):
            made.append(keras.Variable(value, name=name))
        assert made[-1].path == path
    return made


def case(name, optimizer, on="tall", exclude=None, constraint=None, broken=()):
    draws, gradients = PROBLEMS[on]
    variables = variables_of(draws)
    if constraint:
        variables[0].constraint = constraint
    out = {"name": name, "problem": on, "optimizer": O.serialize(optimizer), "exclude": exclude or [],
           "constraint": keras.constraints.serialize(constraint) if constraint else None, "broken": list(broken), "after": {}}
    if exclude:
        optimizer.exclude_from_weight_decay(var_names=exclude)
    optimizer.build(variables)
    for step in range(STEPS):
        grads = [keras.ops.convert_to_tensor(g) for g in gradients[step]]
        if step in broken:
            bad = gradients[step][0].copy()
            bad.reshape(-1)[1] = np.inf if list(broken).index(step) % 2 == 0 else np.nan
            grads[0] = keras.ops.convert_to_tensor(bad)
        if isinstance(optimizer, O.LossScaleOptimizer):  # its apply() does not run in JAX outside a trace
            new, state = optimizer.stateless_apply([v.value for v in optimizer.variables], grads, [v.value for v in variables])
            for variable, value in zip(variables + optimizer.variables, list(new) + list(state)):
                variable.assign(value)
        else:
            optimizer.apply(grads, variables)
        if step + 1 in (1, 5, STEPS):
            out["after"][str(step + 1)] = [cells(v) for v in variables]
    out["state"] = [cells(v) for v in optimizer.variables]
    return out


def optimizer_cases():
    rate = 0.05
    decay = lambda: S.ExponentialDecay(0.1, 4, 0.7)
    cases = [
        case("sgd", O.SGD()),
        case("sgd_momentum", O.SGD(rate, momentum=0.9)),
        case("sgd_nesterov", O.SGD(rate, momentum=0.8, nesterov=True)),
        case("rmsprop", O.RMSprop()),
        case("rmsprop_momentum", O.RMSprop(rate, rho=0.8, momentum=0.7, epsilon=1e-3)),
        case("rmsprop_centered", O.RMSprop(rate, centered=True)),
        case("rmsprop_centered_momentum", O.RMSprop(0.01, centered=True, momentum=0.9)),
        case("adagrad", O.Adagrad()),
        case("adagrad_options", O.Adagrad(rate, initial_accumulator_value=0.3, epsilon=1e-2)),
        case("adadelta", O.Adadelta()),
        case("adadelta_options", O.Adadelta(1.0, rho=0.8, epsilon=1e-3)),
        case("adam", O.Adam()),
        case("adam_options", O.Adam(rate, beta_1=0.7, beta_2=0.9, epsilon=1e-2)),
        case("adam_amsgrad", O.Adam(rate, beta_2=0.6, amsgrad=True)),
        case("adam_wide", O.Adam(rate), "wide"),
        case("adamw", O.AdamW()),
        case("adamw_options", O.AdamW(rate, weight_decay=0.1, amsgrad=True, beta_1=0.8)),
        case("adamax", O.Adamax()),
        case("adamax_options", O.Adamax(rate, beta_1=0.8, beta_2=0.9, epsilon=1e-3)),
        case("nadam", O.Nadam()),
        case("nadam_options", O.Nadam(rate, beta_1=0.8, beta_2=0.95, epsilon=1e-3)),
        case("ftrl", O.Ftrl()),
        case("ftrl_options", O.Ftrl(rate, learning_rate_power=-0.7, initial_accumulator_value=0.2, l1_regularization_strength=0.02,
                                    l2_regularization_strength=0.03, l2_shrinkage_regularization_strength=0.04, beta=0.1)),
        case("lamb", O.Lamb()),
        case("lamb_options", O.Lamb(rate, beta_1=0.8, beta_2=0.9, epsilon=1e-3), "wide"),
        case("lion", O.Lion()),
        case("lion_options", O.Lion(rate, beta_1=0.7, beta_2=0.8)),
        case("adafactor", O.Adafactor()),
        case("adafactor_options", O.Adafactor(0.3, beta_2_decay=-0.6, epsilon_2=0.01, clip_threshold=0.8, relative_step=False)),
        case("adafactor_wide", O.Adafactor(rate), "wide"),
        case("adafactor_schedule", O.Adafactor(decay())),
        case("muon", O.Muon()),
        case("muon_options", O.Muon(rate, adam_beta_1=0.8, adam_beta_2=0.9, adam_weight_decay=0.1, weight_decay=0.05, momentum=0.9,
                                    ns_steps=3, nesterov=False, rms_rate=None, adam_lr_ratio=0.5), "wide"),
        case("muon_embedding", O.Muon(rate), "embedding"),
        case("muon_excluded", O.Muon(rate, exclude_layers=["d.nse"], exclude_embeddings=False, adam_weight_decay=None), "embedding"),
        case("schedule_free", O.ScheduleFreeAdamW()),
        case("schedule_free_options", O.ScheduleFreeAdamW(rate, beta_1=0.8, beta_2=0.9, epsilon=1e-3, warmup_steps=7, weight_decay=0.1)),
        case("loss_scale", O.LossScaleOptimizer(O.Adam(rate), initial_scale=8.0, dynamic_growth_steps=3), broken=[0, 5, 6, 11]),
        case("loss_scale_sgd", O.LossScaleOptimizer(O.SGD(decay(), momentum=0.9), initial_scale=2.0, dynamic_growth_steps=2), broken=[3, 4]),
        case("multi", O.MultiOptimizer(O.OptimizerMap(O.Adam(rate), {".*/bias": O.SGD(0.1, momentum=0.9)}))),
        case("multi_scaled", O.MultiOptimizer(O.OptimizerMap(O.SGD(), {"embedding.*": O.Adagrad(0.1), "dense/kernel": O.Lion()}),
                                              loss_scale_factor=4.0), "embedding"),
    ]
    for kind, make in {"sgd": lambda **o: O.SGD(rate, momentum=0.9, **o), "adam": lambda **o: O.Adam(rate, **o)}.items():
        def add(name, constraint=None, exclude=None, **options):
            cases.append(case(f"{kind}_{name}", make(**options), exclude=exclude, constraint=constraint))

        add("weight_decay", weight_decay=0.2)
        add("exclude", weight_decay=0.2, exclude=["bias"])
        add("exclude_pattern", weight_decay=0.2, exclude=["^k.*l$", "gamma"])
        add("clipnorm", clipnorm=0.9)
        add("clipvalue", clipvalue=0.3)
        add("global_clipnorm", global_clipnorm=1.1)
        add("loss_scale_factor", loss_scale_factor=16.0)
        add("ema", use_ema=True, ema_momentum=0.8)
        add("ema_overwrite", use_ema=True, ema_momentum=0.7, ema_overwrite_frequency=3)
        add("accumulate", gradient_accumulation_steps=3)
        add("accumulate_all", gradient_accumulation_steps=2, weight_decay=0.1, clipnorm=0.5, loss_scale_factor=2.0,
            use_ema=True, ema_momentum=0.6, ema_overwrite_frequency=2, constraint=keras.constraints.NonNeg())
        add("constraint", constraint=keras.constraints.MaxNorm(0.9))
    for kind, schedule in {
        "exponential": decay(), "piecewise": S.PiecewiseConstantDecay([2, 7], [0.1, 0.05, 0.01]),
        "cosine": S.CosineDecay(0.01, 10, warmup_target=0.1, warmup_steps=5),
    }.items():
        cases.append(case(f"sgd_{kind}", O.SGD(schedule)))
        cases.append(case(f"adam_{kind}", O.Adam(schedule, weight_decay=0.1)))
    cases.append(case("sgd_accumulate_schedule", O.SGD(decay(), gradient_accumulation_steps=3)))
    cases.append(case("nadam_accumulate", O.Nadam(rate, gradient_accumulation_steps=3)))
    cases.append(case("schedule_free_accumulate", O.ScheduleFreeAdamW(rate, gradient_accumulation_steps=2, weight_decay=0.1)))
    cases.append(case("adafactor_accumulate", O.Adafactor(rate, gradient_accumulation_steps=4)))
    return cases


def schedule_cases():
    def one(name, schedule):
        rates = [schedule(step) for step in range(30)]
        return {"name": name, "schedule": S.serialize(schedule), "rates": cells(rates)}

    return [
        one("exponential", S.ExponentialDecay(0.1, 7, 0.9)),
        one("exponential_staircase", S.ExponentialDecay(0.1, 7, 0.9, staircase=True)),
        one("inverse_time", S.InverseTimeDecay(0.1, 6, 0.5)),
        one("inverse_time_staircase", S.InverseTimeDecay(0.1, 6, 0.5, staircase=True)),
        one("piecewise", S.PiecewiseConstantDecay([3, 10, 21], [0.5, 0.1, 0.2, 0.05])),
        one("piecewise_single", S.PiecewiseConstantDecay([5], [1.0, 0.5])),
        one("polynomial", S.PolynomialDecay(0.1, 12)),
        one("polynomial_power", S.PolynomialDecay(0.1, 12, end_learning_rate=0.01, power=0.5)),
        one("polynomial_cycle", S.PolynomialDecay(0.1, 8, end_learning_rate=0.01, power=2.0, cycle=True)),
        one("cosine", S.CosineDecay(0.1, 20)),
        one("cosine_alpha", S.CosineDecay(0.1, 20, alpha=0.2)),
        one("cosine_warmup", S.CosineDecay(0.0, 15, alpha=0.1, warmup_target=0.2, warmup_steps=6)),
        one("restarts", S.CosineDecayRestarts(0.1, 4)),
        one("restarts_height", S.CosineDecayRestarts(0.1, 3, t_mul=1.5, m_mul=0.8, alpha=0.1)),
        one("restarts_equal", S.CosineDecayRestarts(0.1, 7, t_mul=1.0, m_mul=0.5)),
        one("restarts_triple", S.CosineDecayRestarts(0.1, 1, t_mul=3.0)),
    ]


if __name__ == "__main__":
    document = {
        "keras": keras.__version__,
        "problems": {name: {"variables": [{"name": path, "shape": list(value.shape), "data": cells(value)} for path, value in draws.items()],
                            "gradients": [[cells(g) for g in step] for step in gradients]}
                     for name, (draws, gradients) in PROBLEMS.items()},
        "optimizers": optimizer_cases(),
        "schedules": schedule_cases(),
    }
    (HERE / "optimizers.json").write_text(json.dumps(document, separators=(",", ":")))
    print(len(document["optimizers"]), "optimizers and", len(document["schedules"]), "schedules written with Keras", keras.__version__)
