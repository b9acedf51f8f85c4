// SPDX-License-Identifier: Apache-2.0
//
// The model's choice for every computation is timed first, which tells what is hot. Then, for one
// computation after another: the cheapest estimate of each group of ways (a patch, a number of
// columns) side by side; the cheapest ones of the fastest group; neighbours of the fastest. Last,
// the fastest and the model's choice once more and longer, which decides.
#include "codegen/tune/Tuner.h"

#include "codegen/Plan.h"
#include "codegen/Work.h"
#include "codegen/cpu/Epilogue.h"

#include "llvm/Support/FormatVariadic.h"

#include <chrono>

using namespace mlir;

namespace cornet::tune {
namespace {

/// Ways timed side by side, rounds of them around the fastest, and seconds for one of them.
constexpr size_t kTogether = 10;
constexpr int kRounds = 3;
constexpr double kGlance = 0.03, kLook = 0.12;

struct Computation {
  DispatchOp dispatch;
  std::string text;
  int64_t count = 0;
  std::vector<cpu::Way> ways; ///< by estimate
  std::string model;          ///< the variant the model chooses
  double microseconds = 0;    ///< of that
  bool known = false;
};

/// Ways that are alike: of one patch, or of one width.
std::string groupOf(const cpu::Variant &variant) {
  cpu::Variant group = variant;
  group.chunk = 0;
  if (group.patchY)
    group.columns = 0;
  group.rows = 0;
  return group.text() + " " + std::to_string(group.columns);
}

Trial trialOf(DispatchOp dispatch, const cpu::Implementation &implementation, Kernels &kernels,
              const cpu::Isa &isa) {
  Trial out;
  out.symbol = kernels.get(dispatch, implementation);
  out.tiles = implementation.tiles(dispatch, isa);
  for (auto [i, input] : llvm::enumerate(dispatch.getInputs())) {
    Value source = input;
    while (auto reshape = source.getDefiningOp<ReshapeOp>())
      source = reshape.getInput();
    out.buffers.push_back({bytesOf(implementation.packedType(dispatch, unsigned(i), isa)),
                           bool(source.getDefiningOp<ConstantOp>())});
  }
  for (Type type : dispatch.getResultTypes())
    out.buffers.push_back({bytesOf(type), false});
  out.scratch = 4 * uint64_t(implementation.scratch(dispatch, isa));
  return out;
}

class Tuner {
public:
  Tuner(const cpu::Isa &isa, const TuneRequest &request) : isa(isa), request(request) {}

  llvm::Expected<TuneResult> tuneAll(ArrayRef<func::FuncOp> functions, const Database &known) {
    gather(functions, known);
    TuneResult result;
    result.computations = unsigned(all.size());
    if (llvm::Error error = timeModel())
      return std::move(error);
    llvm::sort(all, [](const Computation &a, const Computation &b) {
      return std::tuple(a.known, -a.microseconds * double(a.count), a.text) <
             std::tuple(b.known, -b.microseconds * double(b.count), b.text);
    });
    for (size_t i = 0; i < all.size() && !spent(); ++i) {
      if (all[i].microseconds == 0)
        continue;
      place = i;
      auto entry = tuneOne(all[i]);
      if (!entry)
        return entry.takeError();
      if (!*entry)
        break;
      Database found;
      found.add({all[i].text, request.machine}, **entry);
      if (llvm::Error error = request.save(found))
        return std::move(error);
      ++result.tuned;
      result.better += (*entry)->best.variant != (*entry)->model.variant;
      result.model += double(all[i].count) * (*entry)->model.microseconds;
      result.best += double(all[i].count) * (*entry)->best.microseconds;
    }
    result.stopped = result.tuned < all.size();
    return result;
  }

private:
  bool spent() const {
    std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
    return passed.count() > request.seconds || (request.stop && request.stop());
  }

  void tell(const std::string &what) {
    std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
    if (request.progress)
      request.progress(what, std::min(1.0, passed.count() / request.seconds));
  }

  /// The distinct computations that have several ways.
  void gather(ArrayRef<func::FuncOp> functions, const Database &known) {
    std::map<std::string, size_t> places;
    for (func::FuncOp function : functions)
      for (auto dispatch : function.getOps<DispatchOp>()) {
        if (cpu::rootOf(dispatch)->hasAttr("variant"))
          continue;
        std::optional<std::string> text = computationOf(dispatch);
        if (!text)
          continue;
        auto [it, isNew] = places.try_emplace(*text, all.size());
        if (isNew)
          all.push_back(describe(dispatch, *text, known));
        ++all[it->second].count;
      }
    llvm::erase_if(all, [](const Computation &each) { return each.ways.size() < 2; });
  }

  Computation describe(DispatchOp dispatch, const std::string &text, const Database &known) {
    Computation out{dispatch, text, 0, {}, "", 0, known.find({text, request.machine}) != nullptr};
    const cpu::Implementation &chosen = cpu::implementationOf(dispatch, isa);
    out.model = chosen.variant(dispatch, isa);
    if (out.model.empty())
      return out;
    for (const cpu::Implementation *implementation : cpu::implementations())
      llvm::append_range(out.ways, implementation->ways(dispatch, isa));
    cpu::sortWays(out.ways);
    return out;
  }

  llvm::Error timeModel() {
    for (size_t i = 0; i < all.size(); i += kTogether) {
      if (spent())
        break;
      tell(llvm::formatv("tune: time {0} of {1} steps", i, all.size()).str());
      std::vector<std::pair<DispatchOp, std::string>> together;
      for (size_t j = i; j < std::min(i + kTogether, all.size()); ++j)
        together.push_back({all[j].dispatch, all[j].model});
      auto times = time(together, kGlance);
      if (!times)
        return times.takeError();
      for (size_t j = 0; j < times->size(); ++j)
        all[i + j].microseconds = (*times)[j];
    }
    return llvm::Error::success();
  }

  llvm::Expected<std::vector<double>> time(ArrayRef<std::pair<DispatchOp, std::string>> variants,
                                           double seconds) {
    return timeVariants(variants, isa, request.measure, request.machine.threads,
                        request.compileThreads, seconds);
  }

  /// The entry, or nothing when time ran out before there was anything to compare.
  llvm::Expected<std::optional<Entry>> tuneOne(Computation &it) {
    std::map<std::string, double> times; // by variant
    std::vector<std::string> next{it.model};
    std::set<std::string> groups;
    for (const cpu::Way &way : it.ways)
      if (next.size() < kTogether && groups.insert(groupOf(way.variant)).second &&
          way.variant.text() != it.model)
        next.push_back(way.variant.text());
    std::string best = it.model;
    if (next.size() == 1) // all ways are alike
      next = around(it, best, times);
    for (int round = 0; round < kRounds && next.size() > 1; ++round) {
      show(it, best, times);
      std::vector<std::pair<DispatchOp, std::string>> together;
      for (const std::string &variant : next)
        together.push_back({it.dispatch, variant});
      auto measured = time(together, kGlance);
      if (!measured)
        return measured.takeError();
      std::string before = best;
      times.erase(best); // turns apart do not compare
      for (auto [variant, microseconds] : llvm::zip(next, *measured)) {
        times[variant] = microseconds;
        if (microseconds == 0)
          continue;
        if (request.log)
          request.log({it.text, request.machine}, {variant, microseconds});
        if (variant == next.front() || microseconds < times[best])
          best = variant;
      }
      if (spent() || (round > 0 && best == before))
        break;
      next = around(it, best, times);
    }
    if (best == it.model) {
      Timed model{best, times[best] > 0 ? times[best] : it.microseconds};
      return std::optional(Entry{model, model});
    }
    auto last = time({{it.dispatch, it.model}, {it.dispatch, best}}, kLook);
    if (!last)
      return last.takeError();
    Timed model{it.model, (*last)[0]}, other{best, (*last)[1]};
    bool better = other.microseconds <= kWorthwhile * model.microseconds;
    return std::optional(Entry{better ? other : model, model});
  }

  /// The fastest way so far and those to compare it with: the cheapest estimates of its group, and
  /// those that differ from it in one size.
  std::vector<std::string> around(const Computation &it, const std::string &best,
                                  const std::map<std::string, double> &times) {
    std::vector<std::string> out{best};
    cpu::Variant fastest = llvm::cantFail(cpu::Variant::parse(best));
    auto take = [&](llvm::function_ref<bool(const cpu::Variant &)> suits, size_t most) {
      for (const cpu::Way &way : it.ways)
        if (out.size() < most && suits(way.variant) && !times.count(way.variant.text()) &&
            !llvm::is_contained(out, way.variant.text()))
          out.push_back(way.variant.text());
    };
    take(
        [&](const cpu::Variant &v) {
          return v.implementation == fastest.implementation &&
                 (v.patchY != fastest.patchY) + (v.patchX != fastest.patchX) +
                         (v.columns != fastest.columns) + (v.chunk != fastest.chunk) +
                         (v.rows != fastest.rows) ==
                     1;
        },
        kTogether - 3);
    take([&](const cpu::Variant &v) { return groupOf(v) == groupOf(fastest); }, kTogether);
    return out;
  }

  void show(const Computation &it, const std::string &best,
            const std::map<std::string, double> &times) {
    std::string text = llvm::formatv("tune {0}/{1} {2}", place + 1, all.size(), it.text);
    if (auto found = times.find(best); found != times.end())
      text += llvm::formatv(": {0} {1:f1} us", best, found->second);
    tell(text + llvm::formatv(" (the model's {0} {1:f1} us)", it.model, it.microseconds).str());
  }

  const cpu::Isa &isa;
  const TuneRequest &request;
  std::vector<Computation> all;
  size_t place = 0;
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
};

} // namespace

llvm::Expected<std::vector<double>>
timeVariants(ArrayRef<std::pair<DispatchOp, std::string>> variants, const cpu::Isa &isa,
             const Measure &measure, unsigned threads, unsigned compileThreads, double seconds) {
  Kernels kernels(isa);
  std::vector<Trial> trials;
  std::vector<size_t> places;
  for (auto [i, wanted] : llvm::enumerate(variants)) {
    auto [dispatch, variant] = wanted;
    Operation *root = cpu::rootOf(dispatch);
    root->setAttr("variant", StringAttr::get(dispatch.getContext(), variant));
    const cpu::Implementation &implementation = cpu::implementationOf(dispatch, isa);
    if (implementation.name() == cpu::Variant::of(root).implementation)
      places.push_back(i), trials.push_back(trialOf(dispatch, implementation, kernels, isa));
    root->removeAttr("variant");
  }
  std::vector<double> out(variants.size());
  if (trials.empty())
    return out;
  auto code = cpu::compileKernels(std::move(kernels.sources), isa, compileThreads);
  if (!code)
    return code.takeError();
  auto shared = std::make_shared<const std::vector<char>>(std::move(*code));
  for (Trial &trial : trials)
    trial.code = shared;
  std::string problem;
  std::vector<double> times = measure(trials, threads, seconds * double(trials.size()), problem);
  if (!problem.empty() || times.size() != trials.size())
    return llvm::createStringError("tuning: kernels cannot be timed here: " + problem);
  for (auto [place, microseconds] : llvm::zip(places, times))
    out[place] = microseconds;
  return out;
}

llvm::Expected<TuneResult> tune(ArrayRef<func::FuncOp> functions, const cpu::Isa &isa,
                                const Database &known, const TuneRequest &request) {
  return Tuner(isa, request).tuneAll(functions, known);
}

} // namespace cornet::tune
