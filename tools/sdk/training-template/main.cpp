// SPDX-License-Identifier: Apache-2.0
//
// Everything of one's own: a layer, a loss, a metric, an optimizer, a schedule, and a training step
// of two models and two optimizers. Each trains on synthetic data; weights are saved, loaded and
// predict the same. Prints what it did; the exit code tells whether all of it held.
#include <cornet/cornet.h>
#include <cornet/saving.h>
#include <cornet/training.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <random>

using namespace cornet;
using data::Array;

// A layer: half of the units gate the other half.
struct Gate : Layer {
  explicit Gate(int64_t units) : Layer("Gate"), units(units) {}
  int64_t units;
  void build(const std::vector<Shape> &in) override {
    addWeight("kernel", {in[0].back(), 2 * units}, "glorot_uniform");
    addWeight("bias", {2 * units}, "zeros");
  }
  Tensor call(const std::vector<Tensor> &x) override {
    Tensor y = ops::matmul(x[0], weight(0, x[0])) + weight(1, x[0]);
    return ops::slice(y, {0, 0}, {-1, units}) *
           ops::sigmoid(ops::slice(y, {0, units}, {-1, units}));
  }
};

// A loss: errors above the target weigh three times as much as those below.
struct Lopsided : Loss {
  Lopsided() : Loss("lopsided") {}
  Tensor call(const Tensor &y_true, const Tensor &y_pred) override {
    Tensor error = y_pred - y_true;
    return ops::mean(ops::maximum(3.0 * error, -error), {-1});
  }
};

// A metric: the fraction of predictions within 0.1 of the target.
struct Close : Metric {
  Close() : Metric("close") {
    hits = addVariable("hits", {}), rows = addVariable("rows", {});
    direction = "up";
  }
  void update(const Tensor &y_true, const Tensor &y_pred, const Tensor &) override {
    Tensor hit = ops::indicator(ops::compare(ops::abs(y_pred - y_true), 0.1, "le"));
    add(hits, ops::sum(hit)), add(rows, ops::sum(hit * 0.0 + 1.0));
  }
  Tensor result(const Tensor &like) override {
    return ops::read(hits, like) / ops::read(rows, like);
  }
  VariablePtr hits, rows;
};

// An optimizer: the sign of a running mean of gradients.
struct SignMomentum : Optimizer {
  explicit SignMomentum(LearningRate rate) : Optimizer("SignMomentum", {.learning_rate = rate}) {}
  void build(const VariablePtr &w, size_t) override { addSlot("momentum", w); }
  void update(const Tensor &g, const VariablePtr &w, size_t i, const Tensor &rate) override {
    Tensor m = 0.9 * ops::read(slot("momentum", i), g) + 0.1 * g;
    ops::assign(slot("momentum", i), m);
    ops::assign(w, ops::read(w, g) - rate * ops::sign(m));
  }
};

// A schedule: up over 20 steps, then down with the root.
struct Warmup : Schedule {
  explicit Warmup(double peak) : peak(peak) {}
  double peak;
  Tensor operator()(const Tensor &step) override {
    Tensor t = (step + 1.0) / 20.0;
    return peak * ops::minimum(t, ops::rsqrt(t));
  }
};

// A training step: a generator (the trainer's model) against a critic, each with its optimizer.
struct Gan : Trainer {
  Gan(Model generator, Model critic) : Trainer(generator), critic(critic) {}
  Model critic;
  OptimizerPtr criticOptimizer = Adam({.learning_rate = 4e-3, .beta_1 = 0.5});

protected:
  Tensor judge(const Tensor &x) { return critic({x})[0]; }
  StepResults train_step(const StepInputs &inputs) override {
    Tensor real = inputs.y[0], fake = model(inputs.x)[0];
    Tensor criticLoss = ops::mean(ops::softplus(-judge(real))) +
                        ops::mean(ops::softplus(judge(ops::stopGradient(fake))));
    criticOptimizer->minimize(criticLoss, critic.trainable_variables());
    Tensor generatorLoss = ops::mean(ops::softplus(-judge(fake)));
    optimizer->minimize(generatorLoss, model.trainable_variables());
    return {{"critic_loss", criticLoss}, {"generator_loss", generatorLoss}};
  }
  std::vector<VariablePtr> extra_variables() const override { return critic.variables(); }
};

static int failures = 0;
static void check(bool holds, const char *what) {
  std::printf("%s: %s\n", holds ? "ok" : "FAILED", what);
  failures += !holds;
}

static Array draws(std::vector<int64_t> shape, unsigned seed) {
  std::mt19937 random(seed);
  Array out(data::DType::F32, std::move(shape));
  for (float &cell : out.data<float>())
    cell = float(random() >> 8) / float(1 << 23) - 1; // uniform in [-1, 1)
  return out;
}

static Model regression() {
  return Sequential(
      {3}, {Handle(std::make_shared<Gate>(16)), Dropout({.rate = 0.02}), Dense({.units = 1})});
}

static void ownPieces() {
  Array x = draws({512, 3}, 1), y(data::DType::F32, {512, 1});
  for (int64_t i = 0; i < 512; ++i)
    y.set(i, 0.5 * x.at(3 * i) * x.at(3 * i + 1) + 0.3 * x.at(3 * i + 2));
  Trainer trainer(regression());
  trainer.compile({.optimizer = std::make_shared<SignMomentum>(std::make_shared<Warmup>(0.02)),
                   .loss = std::make_shared<Lopsided>(),
                   .metrics = {std::make_shared<Close>()}});
  History history = trainer.fit(x, y, {.batch_size = 32, .epochs = 30, .verbose = 0});
  const std::vector<double> &losses = history.history.at("loss"),
                            &close = history.history.at("close");
  std::printf("loss %.4f -> %.4f, close %.2f -> %.2f\n", losses.front(), losses.back(),
              close.front(), close.back());
  check(losses.back() < 0.3 * losses.front(), "the loss falls");
  check(close.back() > close.front() + 0.1, "the metric rises");
  Logs logs = trainer.evaluate(x, y);
  check(logs.at("loss") < 0.3 * losses.front() && logs.at("close") > close.front() + 0.1,
        "evaluation agrees");

  saveWeights(trainer.model, "mine.weights.h5");
  Trainer other(regression());
  Array before = other.predict(x)[0], trained = trainer.predict(x)[0];
  loadWeights(other.model, "mine.weights.h5");
  check(!(before == trained), "another start predicts something else");
  check(other.predict(x)[0] == trained, "loaded weights predict the same bits");
}

static void ownStep() {
  // The generator turns noise in [-1, 1) into points of a ring's arc around (1, 0.5).
  Array noise = draws({512, 2}, 2), points(data::DType::F32, {512, 2});
  for (int64_t i = 0; i < 512; ++i) {
    points.set(2 * i, 1 + 0.2 * noise.at(2 * ((i * 7 + 3) % 512)));
    points.set(2 * i + 1, 0.5 + 0.1 * noise.at(2 * ((i * 7 + 3) % 512) + 1));
  }
  Gan gan(Sequential({2}, {Dense({.units = 16, .activation = "tanh"}), Dense({.units = 2})}),
          Sequential({2}, {Dense({.units = 16, .activation = "tanh"}), Dense({.units = 1})}));
  gan.compile({.optimizer = Adam({.learning_rate = 2e-3, .beta_1 = 0.5})});
  auto distance = [&] {
    Array made = gan.predict(noise)[0];
    double x = 0, y = 0;
    for (int64_t i = 0; i < 512; ++i)
      x += made.at(2 * i) / 512, y += made.at(2 * i + 1) / 512;
    return std::hypot(x - 1, y - 0.5);
  };
  double start = distance();
  std::vector<float> criticStart = gan.critic.variables()[0]->value();
  History history = gan.fit(noise, points, {.batch_size = 64, .epochs = 60, .verbose = 0});
  double end = distance();
  std::printf("critic loss %.3f -> %.3f, distance of the means %.3f -> %.3f\n",
              history.history.at("critic_loss").front(), history.history.at("critic_loss").back(),
              start, end);
  check(end < 0.4 * start, "the generator learns where the points are");
  check(gan.critic.variables()[0]->data != criticStart, "the critic moves");
  // Both models have a "dense/kernel" of (2, 16).
  check(gan.critic.variables()[0]->data != gan.model.variables()[0]->data,
        "weights of one name are kept apart");
  check(std::isfinite(history.history.at("generator_loss").back()),
        "both losses are in the history");
  saveWeights(gan.critic, "critic.weights.h5");
  std::vector<float> saved = gan.critic.variables()[0]->data;
  gan.critic.variables()[0]->data = criticStart;
  loadWeights(gan.critic, "critic.weights.h5");
  check(gan.critic.variables()[0]->data == saved, "the critic is saved and loaded");
}

int main() {
  set_random_seed(7);
  try {
    ownPieces();
    ownStep();
  } catch (const std::exception &error) {
    std::printf("FAILED: %s\n", error.what());
    return 1;
  }
  return failures != 0;
}
