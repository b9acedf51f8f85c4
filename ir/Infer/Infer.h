// SPDX-License-Identifier: Apache-2.0
//
// Shape inference on plain shapes, without MLIR: the DSL calls it while a model is recorded, the
// verifier and batch binding call it on IR. One rule per op, found by the op's name.
//
// A shape is a list of extents in elements, outermost first. Only the first may be kDynamic, which
// stands for the batch. A refusal is a sentence that starts with the constraint's label ("conv_c3:
// ...").
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace cornet::infer {

inline constexpr int64_t kDynamic = -1;
using Shape = std::vector<int64_t>;

enum class DType { f32, f64, f16, bf16, i1, i8, ui8, i32, i64 };

/// Whether cells of `dtype` are real numbers.
constexpr bool isReal(DType dtype) { return dtype <= DType::bf16; }
/// Whether cells of `dtype` are integers of 8 bits, which are stored and moved, not computed with.
constexpr bool isByte(DType dtype) { return dtype == DType::i8 || dtype == DType::ui8; }

struct TensorType {
  DType dtype = DType::f32;
  Shape shape;
  bool operator==(const TensorType &) const = default;
};

/// An op's attribute as the DSL records it and the IR stores it.
using Attribute = std::variant<int64_t, bool, double, std::string, std::vector<int64_t>>;
using Attributes = std::map<std::string, Attribute, std::less<>>;

/// The type of an op's result, or the reason why the operands and attributes are refused.
struct Result {
  TensorType type;
  std::string error;
  explicit operator bool() const { return error.empty(); }
};

/// The result of `op` ("cornet.conv"). Ops with no operand are not inferred.
/// Errors: an unknown op, a missing attribute, or the op's own labelled constraints.
Result inferOp(std::string_view op, std::span<const TensorType> operands,
               const Attributes &attributes);

/// Whether inferOp() has a rule for `op`.
bool knows(std::string_view op);

/// NumPy broadcasting with trailing alignment: 1 stretches. Empty error on success.
Result broadcast(const TensorType &a, const TensorType &b);

/// Keras's 'same' padding of one spatial dimension as {before, after}: the odd cell goes after.
/// `in`, `window`, `stride`, `dilation` in elements.
std::pair<int64_t, int64_t> samePadding(int64_t in, int64_t window, int64_t stride,
                                        int64_t dilation);

/// "(?, 28, 28, 1)": a shape as messages print it.
std::string text(const Shape &shape);

} // namespace cornet::infer
