// SPDX-License-Identifier: Apache-2.0
//
// Less memory for more work: checkpoints and max_memory give the same numbers in a smaller arena,
// and what cannot be is told. A gradient of one's own is used as given.
#include <cornet/training.h>

#include <gtest/gtest.h>

namespace cornet::test {
namespace {

using data::Array;

/// Ten layers whose values are larger than their weights.
Model deep(bool checkpoints) {
  set_random_seed(3);
  Recording recording;
  Tensor x = Input({32}), y = x;
  for (int i = 0; i < 5; ++i) {
    Tensor in = Input({32});
    Tensor out = Dense({.units = 32, .activation = "gelu"})(in);
    out = Dropout({.rate = 0.1})(Dense({.units = 32, .activation = "silu"})(out));
    Model block = Functional({in}, {out}, "block" + std::to_string(i));
    y = Handle(block).checkpoint(checkpoints)(y);
  }
  return Functional({x}, {Dense({.units = 1})(y)});
}

data::Batch batch() {
  std::vector<float> cells;
  for (int i = 0; i < 512 * 32; ++i)
    cells.push_back(float(i * 37 % 101) / 101 - 0.5f);
  std::vector<float> targets;
  for (int i = 0; i < 512; ++i)
    targets.push_back(cells[size_t(i) * 32] * 2);
  return {{Array::of<float>({512, 32}, cells)}, {Array::of<float>({512, 1}, targets)}};
}

std::vector<double> losses(Model model, uint64_t maxMemory = 0) {
  Trainer trainer(std::move(model));
  trainer.compile({.optimizer = Adam(), .loss = "mse", .threads = 1, .max_memory = maxMemory});
  std::vector<double> out;
  for (int i = 0; i < 4; ++i)
    out.push_back(trainer.train_on_batch(batch()).at("loss"));
  return out;
}

/// The bytes that a refusal names.
uint64_t bytesNeeded(Model model, uint64_t maxMemory) try {
  losses(std::move(model), maxMemory);
  return 0;
} catch (const std::runtime_error &error) {
  std::string text = error.what();
  EXPECT_NE(text.find("use smaller batches"), std::string::npos) << text;
  return std::stoull(text.substr(text.find("needs ") + 6));
}

TEST(Memory, CheckpointsChangeNoNumber) {
  std::vector<double> kept = losses(deep(false)), again = losses(deep(true));
  for (size_t i = 0; i < kept.size(); ++i)
    EXPECT_NEAR(kept[i], again[i], 1e-6 * kept[i]) << i;
}

TEST(Memory, StepsFitOrSayWhatTheyNeed) {
  uint64_t least = bytesNeeded(deep(false), 1);
  ASSERT_GT(least, 0u);
  std::vector<double> kept = losses(deep(false)), small = losses(deep(false), least);
  for (size_t i = 0; i < kept.size(); ++i)
    EXPECT_NEAR(kept[i], small[i], 1e-6 * kept[i]) << i;
  // All kept, the values alone are 20 of 64 KiB.
  EXPECT_LT(least, 18u * 64 * 1024);
}

/// round() with the straight-through gradient.
struct Quantize : Layer {
  Quantize() : Layer("Quantize") {}
  Tensor call(const std::vector<Tensor> &x) override {
    return ops::customGradient(ops::record("round", {x[0]}), {x[0]},
                               [](const Tensor &g) { return std::vector<Tensor>{g}; });
  }
};

TEST(CustomGradient, LetsRoundingLearn) {
  for (bool through : {true, false}) {
    set_random_seed(3);
    Recording recording;
    Tensor x = Input({32});
    Tensor y = Dense({.units = 1})(x) * 4;
    y = through ? Handle(std::make_shared<Quantize>())(y) : ops::record("round", {y});
    Trainer trainer(Functional({x}, {y}));
    trainer.compile({.optimizer = Adam({.learning_rate = 0.02}), .loss = "mse", .threads = 1});
    double first = trainer.train_on_batch(batch()).at("loss"), last = first;
    for (int i = 0; i < 60; ++i) {
      trainer.reset_metrics();
      last = trainer.train_on_batch(batch()).at("loss");
    }
    if (through)
      EXPECT_LT(last, 0.7 * first);
    else
      EXPECT_EQ(last, first); // rounding has no slope
  }
}

} // namespace
} // namespace cornet::test
