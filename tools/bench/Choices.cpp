// SPDX-License-Identifier: Apache-2.0
//
// Where the cost model chooses badly. Reads measured times of computations by variants, asks the
// model what it chooses now, and lists what its choice takes beside the fastest way measured:
//
//     choices_bench                         what ships with Cornet
//     choices_bench FILE...                 measurements, databases or logs of --tune-log
//     choices_bench FILE... --measure       times the choice and the fastest anew, here, in turns
//     choices_bench FILE... --merge         prints the measurements, a line for each computation
//     choices_bench FILE... --fit           lowers the mean loss by other Costs, and prints them
//     choices_bench FILE... --costs store=2.5,far=0.5   by other costs than this machine's
//
// A line is a key as in a database, then variants with their times: "KEY | VARIANT: TIME us | ...".
#include "KernelTimer.h"

#include "codegen/Compile.h"
#include "codegen/cpu/Epilogue.h"
#include "codegen/tune/Tuner.h"
#include "ir/Ops/Build.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace cornet;
using namespace mlir;
using llvm::StringRef;

/// Costs that may be set and fitted.
constexpr std::pair<const char *, double cpu::Costs::*> costs[] = {
    {"weights", &cpu::Costs::weights},     {"inputs", &cpu::Costs::inputs},
    {"products", &cpu::Costs::products},   {"single", &cpu::Costs::single},
    {"store", &cpu::Costs::store},         {"far", &cpu::Costs::far},
    {"fetch", &cpu::Costs::fetch},         {"firstBytes", &cpu::Costs::firstBytes},
    {"nearBytes", &cpu::Costs::nearBytes}, {"halfBytes", &cpu::Costs::halfBytes}};
constexpr size_t fitted = 7; // of them: sizes stay

[[noreturn]] void fail(const std::string &why) {
  std::fprintf(stderr, "choices_bench: error: %s\n", why.c_str());
  std::exit(1);
}

template <class T> T check(llvm::Expected<T> value) {
  if (!value)
    fail(toString(value.takeError()));
  return std::move(*value);
}

struct Computation {
  tune::Key key;
  std::map<std::string, double> times; ///< microseconds by variants
  double scale = 1;                    ///< of what is added
  cpu::Isa isa = cpu::levels().front();
  DispatchOp dispatch;
  std::string choice;

  std::string fastest() const {
    return llvm::min_element(times, [](auto &a, auto &b) { return a.second < b.second; })->first;
  }
  double best() const { return times.at(fastest()); }
  bool isMeasured() const { return times.count(choice); }
  double chosen() const { return times.at(choice); }
  double lost() const { return chosen() - best(); }
  double loss() const { return chosen() / best() - 1; }

  /// The same where the choice was not measured: as the slowest way of its patch, else of all.
  double guessedLoss() const {
    if (isMeasured())
      return loss();
    double worst = 0, alike = 0;
    cpu::Variant mine = llvm::cantFail(cpu::Variant::parse(choice));
    for (const auto &[text, time] : times) {
      cpu::Variant other = llvm::cantFail(cpu::Variant::parse(text));
      worst = std::max(worst, time);
      if (other.implementation == mine.implementation && other.patchY == mine.patchY &&
          other.patchX == mine.patchX)
        alike = std::max(alike, time);
    }
    return (alike > 0 ? alike : worst) / best() - 1;
  }
};

class Choices {
public:
  explicit Choices(MLIRContext &context)
      : builder(&context), loc(builder.getUnknownLoc()), module(ModuleOp::create(loc)) {}

  /// Adds a line of `file`.
  void add(StringRef line, const std::string &place) {
    llvm::SmallVector<StringRef> fields;
    line.split(fields, " | ");
    if (fields.size() < 5)
      fail(place + ": a line has a computation, ISA level, threads, CPU and times, with ' | '"
                   " between them");
    // The database's own reader says what is wrong.
    std::string key = llvm::join(llvm::ArrayRef(fields).take_front(4), " | ");
    for (StringRef timed : llvm::ArrayRef(fields).drop_front(4)) {
      tune::Database one;
      if (llvm::Error error = one.parse(key + " | " + timed.str() + " | " + timed.str(), place))
        fail(toString(std::move(error)));
      const auto &[parsed, entry] = one.all().begin()->second;
      add(parsed, entry.best);
    }
  }

  /// Only what was measured in turns compares: tuning goes on to a next round with the fastest
  /// variant so far, beside which the others of that round are set.
  void add(const tune::Key &key, const tune::Timed &timed) {
    Computation &it = all[key.text()];
    it.key = key;
    auto [place, isNew] = it.times.try_emplace(timed.variant, it.scale * timed.microseconds);
    if (!isNew)
      it.scale = place->second / timed.microseconds;
  }

  /// Makes a dispatch of every computation.
  void build() {
    for (auto &[text, it] : all) {
      it.isa = check(cpu::isaFor(it.key.machine.isa));
      it.dispatch = dispatchOf(it.key.computation);
      if (tune::computationOf(it.dispatch) != it.key.computation)
        fail(text + ": is read as " + tune::computationOf(it.dispatch).value_or("nothing"));
    }
  }

  void choose(const cpu::Costs &costs) {
    for (auto &[text, it] : all) {
      it.isa.costs = costs;
      it.choice = cpu::implementationOf(it.dispatch, it.isa).variant(it.dispatch, it.isa);
    }
  }

  double meanLoss() const {
    double sum = 0;
    for (const auto &[text, it] : all)
      sum += it.guessedLoss();
    return sum / double(all.size());
  }

  /// Times anew what was chosen and what was fastest, on this machine's own.
  void measure() {
    std::string here = tune::hostCpu();
    for (auto &[text, it] : all) {
      if (it.key.machine.cpu != here)
        continue;
      std::vector<std::pair<DispatchOp, std::string>> two{{it.dispatch, it.choice}};
      if (it.fastest() != it.choice)
        two.push_back({it.dispatch, it.fastest()});
      auto times =
          check(tune::timeVariants(two, it.isa, cli::timeKernels, it.key.machine.threads, 1, 0.1));
      it.times.clear();
      for (auto [variant, time] : llvm::zip(two, times))
        if (time > 0)
          it.times[variant.second] = time;
    }
    std::erase_if(all, [](auto &each) { return each.second.times.empty(); });
  }

  void list() const;
  void merge() const {
    for (const auto &[text, it] : all) {
      std::printf("%s", text.c_str());
      for (const auto &[variant, time] : it.times)
        std::printf(" | %s: %.4g us", variant.c_str(), time);
      std::printf("\n");
    }
  }
  bool empty() const { return all.empty(); }

private:
  DispatchOp dispatchOf(StringRef computation);
  Attribute attributeOf(StringRef text);
  /// An argument of a dispatch in f32, from cells of `type`.
  Value argument(DispatchOp dispatch, Value input) {
    Value value = dispatch.getBody().front().addArgument(input.getType(), loc);
    if (getElementTypeOrSelf(value).isF32())
      return value;
    return Build{builder, loc}.op("cast", value,
                                  builder.getNamedAttr("to", builder.getStringAttr("f32")));
  }

  OpBuilder builder;
  Location loc;
  OwningOpRef<ModuleOp> module;
  std::map<std::string, Computation> all;
};

Attribute Choices::attributeOf(StringRef text) {
  if (text == "true" || text == "false")
    return builder.getBoolAttr(text == "true");
  llvm::SmallVector<StringRef> parts;
  text.split(parts, ',');
  std::vector<int64_t> numbers(parts.size());
  for (auto [part, number] : llvm::zip(parts, numbers))
    if (part.getAsInteger(10, number))
      fail("'" + text.str() + "' is no attribute of a contraction");
  return builder.getDenseI64ArrayAttr(numbers);
}

/// What tune::computationOf() gives `computation` for.
DispatchOp Choices::dispatchOf(StringRef computation) {
  llvm::SmallVector<StringRef> words;
  computation.split(words, ' ');
  auto [from, to] = words.back().split("->");
  auto elementOf = [&](StringRef name) -> Type {
    if (name == "bf16")
      return builder.getBF16Type();
    if (name == "f16")
      return builder.getF16Type();
    return builder.getF32Type();
  };
  Type in = elementOf(from), out = elementOf(to.empty() ? from : to);
  std::vector<RankedTensorType> operands;
  llvm::SmallVector<NamedAttribute> attributes;
  for (StringRef word : llvm::ArrayRef(words).drop_front().drop_back()) {
    auto [name, value] = word.split('=');
    if (!value.empty()) {
      Attribute attribute = attributeOf(value);
      if (name == "groups")
        attribute = builder.getI64IntegerAttr(cast<DenseI64ArrayAttr>(attribute)[0]);
      attributes.push_back(builder.getNamedAttr(name, attribute));
      continue;
    }
    llvm::SmallVector<StringRef> parts;
    word.split(parts, 'x');
    std::vector<int64_t> shape(parts.size());
    for (auto [part, extent] : llvm::zip(parts, shape))
      if (part.getAsInteger(10, extent) || extent < 1)
        fail(computation.str() + ": '" + word.str() + "' is no shape");
    operands.push_back(RankedTensorType::get(shape, in));
  }
  if (operands.size() != 2)
    fail(computation.str() + ": a contraction has two operands");
  builder.setInsertionPointToEnd(module->getBody());
  auto function = func::FuncOp::create(builder, loc, "f" + std::to_string(all.size()),
                                       builder.getFunctionType({operands[0]}, {}));
  builder.setInsertionPointToStart(function.addEntryBlock());
  Value weights = ConstantOp::create(
      builder, loc, DenseElementsAttr::get(operands[1], builder.getFloatAttr(in, 0.01)));
  Block *entry = &function.getBody().front();
  // The result's type is known once the op is there.
  auto build = [&](Type result) {
    builder.setInsertionPointToEnd(entry);
    auto dispatch = DispatchOp::create(builder, loc, TypeRange{result},
                                       ValueRange{function.getArgument(0), weights});
    builder.createBlock(&dispatch.getBody());
    Value x = argument(dispatch, function.getArgument(0)), w = argument(dispatch, weights);
    Value y = Build{builder, loc}.op(words[0], {x, w}, attributes);
    if (getElementTypeOrSelf(y) != out) {
      std::string name;
      llvm::raw_string_ostream(name) << out;
      y = Build{builder, loc}.op("cast", y,
                                 builder.getNamedAttr("to", builder.getStringAttr(name)));
    }
    YieldOp::create(builder, loc, ValueRange{y});
    dispatch.getResult(0).setType(y.getType());
    return dispatch;
  };
  return build(operands[0]);
}

void Choices::list() const {
  std::vector<const Computation *> order;
  size_t unknown = 0, good = 0;
  double chosen = 0, best = 0, sum = 0;
  for (const auto &[text, it] : all) {
    if (!it.isMeasured()) {
      ++unknown;
      std::printf("not measured: %s: %s\n", text.c_str(), it.choice.c_str());
      continue;
    }
    order.push_back(&it);
    good += it.loss() <= 0.03, sum += it.loss(), chosen += it.chosen(), best += it.best();
  }
  llvm::sort(order, [](auto *a, auto *b) { return a->lost() > b->lost(); });
  std::printf("%10s %8s  %-40s computation\n", "lost us", "loss", "choice, fastest");
  for (const Computation *it : order)
    if (it->loss() > 0.03)
      std::printf("%10.1f %7.1f%%  %-40s %s\n", it->lost(), 100 * it->loss(),
                  (it->choice + ", " + it->fastest()).c_str(), it->key.text().c_str());
  auto worst = llvm::max_element(order, [](auto *a, auto *b) { return a->loss() < b->loss(); });
  if (order.empty())
    return void(std::printf("none of the model's choices was measured\n"));
  std::printf(
      "%zu of %zu choices are within 3 %% of the fastest (%zu more were not measured); mean "
      "loss %.2f %%, of all time %.2f %%, worst %.1f %%; with guesses mean %.2f %%\n",
      good, order.size(), unknown, 100 * sum / double(order.size()), 100 * (chosen / best - 1),
      100 * (*worst)->loss(), 100 * meanLoss());
}

/// Lowers the mean loss along one cost after another.
cpu::Costs fit(Choices &choices, cpu::Costs best) {
  choices.choose(best);
  double least = choices.meanLoss();
  for (bool better = true; better;) {
    better = false;
    for (auto [name, place] : llvm::ArrayRef(costs).take_front(fitted))
      for (double factor : {0.25, 0.5, 0.7, 0.85, 0.95, 1.05, 1.2, 1.5, 2.0, 4.0}) {
        cpu::Costs other = best;
        other.*place = std::max(other.*place, 0.2) * factor;
        choices.choose(other);
        double loss = choices.meanLoss();
        if (loss >= least - 1e-5)
          continue;
        best = other, least = loss, better = true;
        std::fprintf(stderr, "%s=%g: mean loss %.2f %%\n", name, other.*place, 100 * loss);
      }
  }
  choices.choose(best);
  return best;
}

void setCosts(cpu::Costs &out, StringRef text) {
  llvm::SmallVector<StringRef> parts;
  text.split(parts, ',');
  for (StringRef part : parts) {
    auto [name, value] = part.split('=');
    auto it = llvm::find_if(costs, [&](auto &each) { return name == each.first; });
    if (it == std::end(costs) || value.getAsDouble(out.*it->second))
      fail("--costs: '" + part.str() +
           "' is no cost=number; known: weights, inputs, products, "
           "single, store, far, fetch, firstBytes, nearBytes, halfBytes");
  }
}

} // namespace

int main(int argc, char **argv) {
  DialectRegistry registry;
  registerCompilerDialects(registry);
  MLIRContext context(registry);
  context.loadAllAvailableDialects();
  Choices choices(context);
  cpu::Costs now = check(cpu::isaFor("host")).costs;
  bool measure = false, merge = false, fitting = false;
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    if (word == "--measure")
      measure = true;
    else if (word == "--merge")
      merge = true;
    else if (word == "--fit")
      fitting = true;
    else if (word == "--costs" && i + 1 < argc)
      setCosts(now, argv[++i]);
    else if (StringRef(word).starts_with("-"))
      fail("unknown option " + word +
           "; known: --measure, --merge, --fit, --costs NAME=NUMBER,...");
    else {
      auto buffer = llvm::MemoryBuffer::getFile(word, true);
      if (!buffer)
        fail(word + ": " + buffer.getError().message());
      llvm::SmallVector<StringRef> lines;
      (*buffer)->getBuffer().split(lines, '\n');
      for (auto [place, line] : llvm::enumerate(lines))
        if (!line.trim().empty() && !line.starts_with("#"))
          choices.add(line, word + ":" + std::to_string(place + 1));
    }
  }
  if (choices.empty())
    for (const auto &[text, entry] : tune::shipped().all())
      choices.add(entry.first, entry.second.best), choices.add(entry.first, entry.second.model);
  if (choices.empty())
    fail("there are no measurements");
  if (merge)
    return choices.merge(), 0;
  choices.build();
  choices.choose(now);
  if (fitting) {
    choices.list();
    now = fit(choices, now);
    for (auto [name, place] : costs)
      std::printf("%s = %g\n", name, now.*place);
  }
  if (measure)
    choices.measure();
  choices.list();
}
