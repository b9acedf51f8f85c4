// SPDX-License-Identifier: Apache-2.0
//
// Groups are those rows of steps that save most. The last step's lines are cut evenly; backwards,
// each step's bands complete what later ones read.
#include "codegen/Bands.h"

#include "runtime/schema/Header.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;

namespace cornet {
namespace {

/// Bytes that a group may touch in a band: half of a second cache of 1 MiB, which holds weights and
/// what the kernels work in as well.
constexpr uint64_t kNear = 512 << 10;
constexpr int64_t kMostBands = 64;
constexpr size_t kMostSteps = 8; ///< of a group

class Group {
public:
  Group(MutableArrayRef<BandedStep> steps, size_t first) : steps(steps), first(first) {}

  /// Whether the steps can take turns and are near then.
  bool cut() {
    uint64_t bytes = steps.front().imageBytes;
    int64_t most = kMostBands;
    for (const BandedStep &step : steps)
      bytes += step.resultBytes, most = std::min(most, step.sweep->blocks);
    for (int64_t count = std::max<int64_t>(2, int64_t(bytes / kNear)); count <= most;
         count = count == most ? most + 1 : std::min(most, count + 1 + count / 4)) {
      place(count);
      if (footprint() <= kNear)
        return true;
    }
    return false;
  }

  /// Bytes that do not travel then: those of a ring neither way, others once. 0 without a ring:
  /// what is kept for later, as in training, travels anyway.
  uint64_t saved() const {
    uint64_t bytes = 0;
    bool anyRing = false;
    for (size_t m = 0; m + 1 < steps.size(); ++m) {
      bool ring = periodOf(m) > 0;
      bytes += (ring ? 2 : 1) * steps[m].resultBytes, anyRing |= ring;
    }
    return anyRing ? bytes : 0;
  }

  /// Writes the decision into the steps.
  void decide() {
    for (auto [m, step] : enumerate(steps)) {
      for (int64_t blocks : done[m])
        step.bands.push_back(std::min(blocks * step.sweep->blockTiles, step.tiles));
      step.follows = m > 0;
      step.period = periodOf(m);
      for (size_t b = 0; step.period && b < done[m].size(); ++b)
        step.turns.push_back(int64_t(lowest(m, b) / step.period));
    }
  }

private:
  int64_t before(size_t m, size_t b) const { return b ? done[m][b - 1] : 0; }
  /// Calls `body` with each member that reads the result of member `m`, and whether it walks
  /// through it.
  void forEachReader(size_t m, function_ref<void(size_t reader, bool image)> body) const {
    for (size_t later = m + 1; later < steps.size(); ++later)
      for (auto [i, input] : enumerate(steps[later].inputs))
        if (input == steps[m].result)
          body(later, i == steps[later].sweep->image);
  }

  /// Blocks that are done after each of `count` bands, for each member.
  void place(int64_t count) {
    done.assign(steps.size(), std::vector<int64_t>(size_t(count)));
    for (size_t b = 0; b < size_t(count); ++b)
      for (size_t m = steps.size(); m-- > 0;) {
        const cpu::Sweep &sweep = *steps[m].sweep;
        int64_t needed = -1;
        forEachReader(m, [&](size_t reader, bool image) {
          const cpu::Sweep &other = *steps[reader].sweep;
          int64_t blocks = done[reader][b];
          needed = std::max(needed, image ? other.read(blocks) : other.touched(blocks));
        });
        bool last = b + 1 == size_t(count);
        done[m][b] = last         ? sweep.blocks
                     : needed < 0 ? int64_t(divideCeil(uint64_t(sweep.blocks) * (b + 1), count))
                                  : sweep.blocksFor(std::min(needed, sweep.written(sweep.blocks)));
      }
  }

  /// Bytes of member `m`'s result before the first that is read or written in band `b` or later.
  uint64_t lowest(size_t m, size_t b) const {
    int64_t cells = steps[m].sweep->written(before(m, b));
    forEachReader(m, [&](size_t reader, bool image) {
      const cpu::Sweep &other = *steps[reader].sweep;
      int64_t blocks = before(reader, b);
      cells = std::min(cells, image ? other.passed(blocks) : other.written(blocks));
    });
    return uint64_t(cells) * steps[m].resultCell;
  }

  /// Bytes of member `m`'s result that are alive in some band, at most.
  uint64_t widest(size_t m) const {
    uint64_t most = 0;
    for (size_t b = 0; b < done[m].size(); ++b)
      most = std::max(most, uint64_t(steps[m].sweep->touched(done[m][b])) * steps[m].resultCell -
                                lowest(m, b));
    return most;
  }

  uint64_t periodOf(size_t m) const {
    uint64_t period = alignTo(widest(m), artifact::kRingAlignment);
    bool inside = m + 1 < steps.size() && steps[m].lastReader < first + steps.size();
    return inside && period < steps[m].resultBytes ? period : 0;
  }

  /// Bytes that the members touch in a band, at most, weights aside.
  uint64_t footprint() const {
    const cpu::Sweep &head = *steps.front().sweep;
    uint64_t image = 0, cell = steps.front().imageCell;
    for (size_t b = 0; b < done[0].size(); ++b)
      image = std::max(image, cell * uint64_t(std::max<int64_t>(0, head.read(done[0][b]) -
                                                                       head.passed(before(0, b)))));
    for (size_t m = 0; m < steps.size(); ++m)
      image += widest(m);
    return image;
  }

  MutableArrayRef<BandedStep> steps;
  size_t first;                           ///< of all steps
  std::vector<std::vector<int64_t>> done; ///< blocks, by member and band
};

/// Whether `step` can take turns with `group`, which stands before it.
bool joins(const BandedStep &step, ArrayRef<BandedStep> group) {
  if (!step.sweep)
    return false;
  for (auto [i, input] : enumerate(step.inputs)) {
    auto writer = find_if(group, [&](const BandedStep &other) { return other.result == input; });
    if (i == step.sweep->image ? writer == group.end() || writer->resultBytes < kLargeImage
                               : writer != group.end() && !step.along[i])
      return false;
  }
  return true;
}

} // namespace

void formBands(std::vector<BandedStep> &steps) {
  MutableArrayRef<BandedStep> all(steps);
  // From the last step on: what the steps from this one on can save, and the group it begins then.
  std::vector<std::pair<uint64_t, size_t>> best(all.size() + 1, {0, 1});
  for (size_t first = all.size(); first-- > 0;) {
    best[first] = {best[first + 1].first, 1};
    for (size_t count = 2; all[first].sweep && count <= kMostSteps && first + count <= all.size() &&
                           joins(all[first + count - 1], all.slice(first, count - 1));
         ++count)
      if (Group group(all.slice(first, count), first); group.cut())
        if (uint64_t saved = group.saved() + best[first + count].first; saved > best[first].first)
          best[first] = {saved, count};
  }
  for (size_t first = 0; first < all.size(); first += best[first].second)
    if (Group group(all.slice(first, best[first].second), first); best[first].second > 1) {
      group.cut();
      group.decide();
    }
}

} // namespace cornet
