// SPDX-License-Identifier: Apache-2.0
//
// A generative adversarial network (Goodfellow et al. 2014) in one compiled step: two models, two
// optimizers. The generator makes digits of noise, the discriminator tells them from real ones.
#pragma once

#include <cornet/cornet.h>
#include <cornet/training.h>

namespace models {

using namespace cornet;

constexpr int64_t noise = 16;

struct Gan : Trainer {
  Gan(Model discriminator, Model generator)
      : Trainer(std::move(discriminator)), generator(std::move(generator)) {
    generatorOptimizer->setPrefix("generator_optimizer");
  }
  Model generator;
  OptimizerPtr generatorOptimizer = Adam({.learning_rate = 1e-3, .beta_1 = 0.5});

  // Both gradients are of the weights before the step.
  StepResults train_step(const StepInputs &inputs) override {
    Tensor real = inputs.x[0];
    Tensor seed = ops::randomNormal(ops::slice(ops::reshape(real, {-1, 64}), {0, 0}, {-1, noise}));
    Tensor made = generator({seed})[0];
    // Scores are logits: softplus(-s) is the loss of a score that should say "real".
    Tensor ofReal = model({real})[0], ofMade = model({made})[0];
    Tensor telling = ops::mean(ops::softplus(-ofReal)) + ops::mean(ops::softplus(ofMade));
    Tensor fooling = ops::mean(ops::softplus(-ofMade));
    optimizer->minimize(telling, model.trainable_variables());
    generatorOptimizer->minimize(fooling, generator.trainable_variables());
    Tensor right = ops::mean(ops::indicator(ops::compare(ofReal, 0.0, "gt"))) +
                   ops::mean(ops::indicator(ops::compare(ofMade, 0.0, "lt")));
    return {{"d_loss", telling}, {"g_loss", fooling}, {"d_accuracy", 0.5 * right}};
  }
  std::vector<VariablePtr> extra_variables() const override { return generator.variables(); }
};

inline Model discriminator() {
  return Sequential({8, 8, 1},
                    {
                        Flatten(),
                        Dense({.units = 128, .activation = "leaky_relu", .name = "d_hidden"}),
                        Dropout({.rate = 0.3}),
                        Dense({.units = 1, .name = "d_score"}),
                    },
                    "discriminator");
}

inline Model generator() {
  return Sequential({noise},
                    {
                        Dense({.units = 128, .activation = "relu", .name = "g_hidden"}),
                        Dense({.units = 128, .activation = "relu", .name = "g_hidden_2"}),
                        Dense({.units = 64, .activation = "sigmoid", .name = "g_pixels"}),
                        Reshape({.target_shape = {8, 8, 1}}),
                    },
                    "generator");
}

} // namespace models
