// SPDX-License-Identifier: Apache-2.0
#include "codegen/cpu/Variant.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"

using namespace mlir;

namespace cornet::cpu {
namespace {

llvm::Error unknown(StringRef text) {
  return llvm::createStringError("unknown variant '" + text +
                                 "'; known: contract, contract ROWSxCOLUMNS (as in contract 6x4), "
                                 "winograd, winograd MxN, winograd MxN COLUMNS, winograd MxN "
                                 "COLUMNS CHUNK (as in winograd 4x4 2 64)");
}

/// Fills `places` with the numbers of `text`, which has as many with an x between them.
bool numbers(StringRef text, ArrayRef<int64_t *> places) {
  SmallVector<StringRef> parts;
  text.split(parts, 'x');
  if (parts.size() != places.size())
    return false;
  for (auto [part, place] : llvm::zip(parts, places))
    if (part.getAsInteger(10, *place) || *place < 1 || *place > 1 << 20)
      return false;
  return true;
}

} // namespace

llvm::Expected<Variant> Variant::parse(StringRef text) {
  SmallVector<StringRef> words;
  text.split(words, ' ', -1, false);
  Variant out;
  if (words.empty())
    return unknown(text);
  out.implementation = words[0].str();
  bool good = false;
  if (words[0] == "contract")
    good = words.size() == 1 || (words.size() == 2 && numbers(words[1], {&out.rows, &out.columns}));
  else if (words[0] == "winograd")
    good = words.size() <= 4 &&
           (words.size() < 2 || numbers(words[1], {&out.patchY, &out.patchX})) &&
           (words.size() < 3 || numbers(words[2], {&out.columns})) &&
           (words.size() < 4 || numbers(words[3], {&out.chunk}));
  if (!good)
    return unknown(text);
  return out;
}

std::string Variant::text() const {
  std::string out = implementation;
  auto pair = [&](int64_t y, int64_t x) {
    out += " " + std::to_string(y) + "x" + std::to_string(x);
  };
  if (rows)
    return pair(rows, columns), out;
  if (patchY)
    pair(patchY, patchX);
  if (patchY && columns)
    out += " " + std::to_string(columns);
  if (patchY && columns && chunk)
    out += " " + std::to_string(chunk);
  return out;
}

Variant Variant::of(Operation *root) {
  auto attribute = root->getAttrOfType<StringAttr>("variant");
  if (!attribute)
    return {};
  auto variant = parse(attribute.getValue());
  if (variant)
    return *variant;
  llvm::consumeError(variant.takeError());
  return {};
}

void sortWays(std::vector<Way> &ways) {
  llvm::sort(ways, [](const Way &a, const Way &b) {
    return a.cycles != b.cycles ? a.cycles < b.cycles : a.variant.text() < b.variant.text();
  });
}

} // namespace cornet::cpu
