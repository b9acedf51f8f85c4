// SPDX-License-Identifier: Apache-2.0
// The door between the command and the compiler. The compiler side is a library of its own,
// libcornet_driver.so, opened only by verbs that compile: `run`, `bench` and the like start in
// milliseconds and work where no LLVM is installed. Standard types and arrays only cross the
// door; the two sides are built together and are not an interface for others.
#pragma once

#include "codegen/tune/Trial.h"

#include <cornet/data/array.h>

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cornet::cli {

/// What to compile. `path` exists and is absolute, except for a zoo library, which is found
/// already. `model` names one of a library's models; empty: the only one.
struct Source {
  enum Kind {
    Library /* a built DSL model, .so */,
    Keras /* .keras, .h5 */,
    Module /* .mlir */
  } kind;
  std::string path, model = "";
};

/// As the compiler's TuningOptions.
struct TuneRequest {
  bool use = true;         ///< measured choices, those that come with Cornet and the user's
  std::string file;        ///< with the user's; empty: the one in the cache
  unsigned runThreads = 1; ///< that the artifact will mostly run on
  double seconds = 0;      ///< to tune for; 0: not at all
  std::string log;         ///< a file to which every measurement is appended; empty: none
  tune::Measure measure;
  std::function<bool()> stop;
};

struct CompileRequest {
  Source source;
  std::string weights; ///< a Keras file whose weights replace the source's; empty: none
  std::string output;  ///< where the artifact goes; empty: no artifact is written
  std::vector<int64_t> batches{1};
  std::vector<std::string> cpus{"host"};
  std::string pipeline;  ///< a pipeline's name or text; empty: the default
  std::string precision; ///< empty: as the model's own types say
  std::vector<std::string> plugins;
  unsigned threads = 2;
  bool selfTest = true;
  TuneRequest tuning;
  std::function<void(const std::string &stage, double fraction)> progress;
};

struct StepReport {
  std::string entry, isa, layer, operation, winner;
  std::vector<std::pair<std::string, std::string>> refusals; ///< implementation, reason
  std::string variant;     ///< the winner's way, where it has several
  std::string source;      ///< who chose it: "attribute", "tuned", "shipped", "model"; "": nobody
  std::string computation; ///< under which measured choices are kept; "": it has none
  uint64_t bands = 0;      ///< in which it takes turns with its neighbours; 0: it is done at once
  uint64_t ringBytes = 0;  ///< of the ring that holds its result meanwhile; 0: it has none
};

/// What tuning for a level came to; times are of all tuned steps in microseconds.
struct TuneReply {
  std::string isa;
  unsigned computations = 0, tuned = 0, better = 0;
  double model = 0, best = 0;
};

struct CompileReply {
  std::string error; ///< empty when it worked
  std::vector<StepReport> steps;
  std::vector<TuneReply> tuned;
  std::string tuningFile;                              ///< where tuning wrote
  std::vector<std::pair<std::string, double>> seconds; ///< stage, seconds
  std::string plan;                                    ///< every plan, in the plan dialect
  std::vector<int64_t> batches;                        ///< that there are plans for
  std::string precision;
  /// Of a narrowed program: the largest difference from f32 in shares of the largest output, the
  /// cosine, rows whose largest cell is the same and all rows, outputs that overflowed.
  struct Distance {
    double relative, cosine;
    uint64_t agreed, rows, notFinite;
  };
  std::optional<Distance> distance;
  uint64_t kernels = 0, cachedKernels = 0, weightBytes = 0, codeBytes = 0, arenaBytes = 0,
           fileBytes = 0;
};

/// An input or output of a model to train.
struct TensorFacts {
  std::string name, dtype;    ///< "dense", "f32"
  std::vector<int64_t> shape; ///< the batch is -1
  std::string activation;     ///< what an output comes from: "softmax", "sigmoid", or ""
};

/// The samples, and the loss of each output that suits them.
struct TrainData {
  std::vector<data::Array> x, y, validationX, validationY;
  std::vector<std::string> losses;
  std::vector<std::string> metrics; ///< of each output
};

struct TrainRequest {
  Source source;
  std::string weights;             ///< a Keras file to start from; empty: none
  bool weightsByName = false;      ///< layers take what fits by their names
  std::vector<std::string> freeze; ///< patterns of layers' names
  /// Asked for once, when the inputs and outputs are known; what it throws ends the training.
  std::function<TrainData(const std::vector<TensorFacts> &inputs,
                          const std::vector<TensorFacts> &outputs)>
      data;
  std::vector<std::string> losses, metrics; ///< what the user asks for, to be checked first
  std::string optimizer = "adam";
  std::optional<double> learningRate;
  int epochs = 1;
  int64_t batchSize = 32;
  double validationSplit = 0;
  std::map<int64_t, double> classWeight;
  uint64_t seed = 0;
  unsigned threads = 0;   ///< 0: as many as the machine has cores
  uint64_t maxMemory = 0; ///< bytes of a training step besides the variables; 0: any number
  bool shuffle = true, showEpochs = true;
  std::optional<int> earlyStopping; ///< patience
  std::string checkpoint, csvLog, tensorboard;
  std::vector<std::string> outputs;              ///< .keras, .weights.h5, .cornet
  std::vector<std::string> cpus{"host"};         ///< of .cornet outputs, as are:
  std::vector<int64_t> batches;                  ///< of .cornet outputs
  std::function<void(const std::string &)> tell; ///< a remark for the user
};

struct TrainReply {
  std::string error; ///< empty when it worked
  std::vector<int> epochs;
  std::map<std::string, std::vector<double>> history;
};

class Driver {
public:
  virtual ~Driver() = default;
  virtual CompileReply compile(const CompileRequest &request) const = 0;
  /// The pipeline's text as `cornet-opt --pass-pipeline` takes it, or an error.
  virtual std::pair<std::string, std::string> pipelineText(const CompileRequest &request) const = 0;
  /// The source as a module of the cornet dialect, before any pass: (text, error).
  virtual std::pair<std::string, std::string> moduleText(const CompileRequest &request) const = 0;
  /// Keras's summary table of the model: (text, error).
  virtual std::pair<std::string, std::string> summary(const Source &source) const = 0;
  /// Trains a model with layers and writes the outputs. Progress goes to standard output.
  virtual TrainReply train(const TrainRequest &request) const = 0;
  /// What there is: pairs of a name and a version or a fact.
  virtual std::vector<std::pair<std::string, std::string>> versions() const = 0;
};

/// Opens libcornet_driver.so beside the executable's library folder; throws UserError when it is
/// missing.
const Driver &driver();

} // namespace cornet::cli

/// The library's one symbol.
extern "C" const cornet::cli::Driver *cornet_cli_driver();
