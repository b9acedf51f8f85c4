// SPDX-License-Identifier: Apache-2.0
//
// The reference of each composite in plain loops, and its decomposition into smaller ops.
#include "ir/Ops/Build.h"
#include "ir/Reference/Loops.h"

#include <algorithm>
#include <cmath>

using namespace mlir;

namespace cornet {
namespace {

/// The type of `type` with dimension `axis` of extent 1.
RankedTensorType kept(RankedTensorType type, int64_t axis) {
  SmallVector<int64_t> shape(type.getShape());
  shape[axis] = 1;
  return RankedTensorType::get(shape, type.getElementType());
}

} // namespace

LogicalResult SoftmaxOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  int64_t axis = positiveAxis(getAxis(), out.shape.size()), extent = out.shape[axis],
          stride = out.strides()[axis];
  out.data = in[0]->data;
  for (int64_t i = 0; i < out.size(); ++i) {
    if (i / stride % extent)
      continue;
    double *x = out.data.data() + i, top = *x, sum = 0;
    for (int64_t k = 1; k < extent; ++k)
      top = std::max(top, x[k * stride]);
    for (int64_t k = 0; k < extent; ++k)
      sum += x[k * stride] = std::exp(x[k * stride] - top);
    for (int64_t k = 0; k < extent; ++k)
      x[k * stride] /= sum;
  }
  return success();
}

Value SoftmaxOp::decompose(OpBuilder &b) {
  Location loc = getLoc();
  RankedTensorType type = getType();
  int64_t axis = positiveAxis(getAxis(), type.getRank());
  auto reduce = [&](Value x, StringRef kind) -> Value {
    return ReduceOp::create(b, loc, kept(type, axis), x, b.getStringAttr(kind),
                            b.getDenseI64ArrayAttr({axis}), b.getBoolAttr(true));
  };
  Value e = ExpOp::create(b, loc, type,
                          SubOp::create(b, loc, type, getInput(), reduce(getInput(), "max")));
  return DivOp::create(b, loc, type, e, reduce(e, "sum"));
}

LogicalResult BatchNormOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  int64_t axis = positiveAxis(getAxis(), out.shape.size()), extent = out.shape[axis],
          stride = out.strides()[axis];
  out.data.resize(out.size());
  for (int64_t i = 0; i < out.size(); ++i) {
    int64_t c = i / stride % extent;
    double scale = in[1]->data[c] / std::sqrt(in[4]->data[c] + getEpsilon().convertToDouble());
    out.data[i] = (in[0]->data[i] - in[3]->data[c]) * scale + in[2]->data[c];
  }
  return success();
}

Value BatchNormOp::decompose(OpBuilder &b) {
  Location loc = getLoc();
  RankedTensorType type = getType(), vector = getGamma().getType();
  int64_t axis = positiveAxis(getAxis(), type.getRank());
  auto epsilon = cast<ElementsAttr>(Attribute(DenseElementsAttr::get(
      RankedTensorType::get({}, type.getElementType()),
      FloatAttr::get(type.getElementType(), getEpsilon().convertToDouble()))));
  Value deviation = SqrtOp::create(
      b, loc, vector,
      AddOp::create(b, loc, vector, getVariance(), ConstantOp::create(b, loc, epsilon)));
  Value scale = DivOp::create(b, loc, vector, getGamma(), deviation);
  Value shift =
      SubOp::create(b, loc, vector, getBeta(), MulOp::create(b, loc, vector, getMean(), scale));
  // Parameters align with `axis` by trailing ones.
  SmallVector<int64_t> shape(type.getRank() - axis, 1);
  shape[0] = vector.getDimSize(0);
  auto aligned = [&](Value v) -> Value {
    if (shape.size() == 1)
      return v;
    return ReshapeOp::create(b, loc, RankedTensorType::get(shape, type.getElementType()), v,
                             b.getDenseI64ArrayAttr(shape));
  };
  Value scaled = MulOp::create(b, loc, type, getInput(), aligned(scale));
  return AddOp::create(b, loc, type, scaled, aligned(shift));
}

LogicalResult CircleOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  double gamma = getGamma().convertToDouble(), margin = getMargin().convertToDouble();
  int64_t B = in[1]->shape[0], D = in[1]->shape[1], R = in[3]->shape[0];
  out.data.clear();
  for (int64_t i = 0; i < B; ++i) {
    std::vector<double> powers[2]; // of negatives, of positives
    for (int64_t j = 0; j < R; ++j) {
      double cosine = 0;
      for (int64_t k = 0; k < D; ++k)
        cosine += in[1]->data[i * D + k] * in[3]->data[j * D + k];
      double d = std::max(1 - cosine, 0.0);
      bool same = in[0]->data[i] == in[2]->data[j];
      if (same && getRemoveDiagonal() && i == j)
        continue;
      powers[same].push_back(same ? -gamma * std::max(margin + d, 0.0) * (margin - d)
                                  : gamma * std::max(1 + margin - d, 0.0) * (1 - margin - d));
    }
    double total = 0;
    for (const std::vector<double> &part : powers) {
      double most = part.empty() ? 0 : *std::ranges::max_element(part), sum = 0;
      for (double power : part)
        sum += std::exp(power - most);
      total += most + std::log(sum);
    }
    out.data.push_back(std::max(total, 0.0) + std::log1p(std::exp(-std::fabs(total))));
  }
  return success();
}

Value CircleOp::decompose(OpBuilder &builder) {
  Build c{builder, getLoc()};
  int64_t B = c.shape(getEmbeddings())[0], R = c.shape(getReferenceEmbeddings())[0];
  if (ShapedType::isDynamic(B) || ShapedType::isDynamic(R))
    return {};
  double gamma = getGamma().convertToDouble(), margin = getMargin().convertToDouble();
  Value cosine = c.matmul(getEmbeddings(), getReferenceEmbeddings(), false, true);
  Value distance = c.op("relu", {c.rest(cosine)});
  Value same = c.compare("eq", c.reshape(getLabels(), {B, 1}), getReferenceLabels());
  Value one = c.constant(1, distance), none = c.constant(0, distance);
  Value positive = c.select(same, one, none), negative = c.select(same, none, one);
  if (getRemoveDiagonal()) {
    std::vector<float> cells(size_t(B * R), 1);
    for (int64_t i = 0; i < std::min(B, R); ++i)
      cells[size_t(i * R + i)] = 0;
    auto type = RankedTensorType::get({B, R}, builder.getF32Type());
    Value others =
        ConstantOp::create(builder, getLoc(), DenseElementsAttr::get(type, ArrayRef<float>(cells)));
    positive = c.mul(positive, c.cast(others, distance));
  }
  auto logSum = [&](Value present, Value power) {
    // Far below any other power, so that e^ of it is 0 and the softplus of an empty sum as well.
    Value where = c.select(c.compare("gt", present, 0), power, c.constant(-1e30, power));
    NamedAttribute kind = builder.getNamedAttr("kind", builder.getStringAttr("max"));
    Value most = c.op("stop_gradient",
                      {c.op("reduce", {where},
                            {kind, builder.getNamedAttr("axes", builder.getDenseI64ArrayAttr({1})),
                             builder.getNamedAttr("keepdims", builder.getBoolAttr(true))})});
    Value sum = c.sum(c.exp(c.sub(where, most)), {1}, false);
    return c.add(c.op("log", {sum}), c.reshape(most, {B}));
  };
  auto weighed = [&](Value weight, Value rest, double scale) {
    return c.mul(c.mul(c.op("relu", {weight}), rest), scale);
  };
  Value minus = c.neg(distance);
  Value p = logSum(positive, weighed(c.add(distance, margin), c.add(minus, margin), -gamma));
  Value n = logSum(negative, weighed(c.add(minus, 1 + margin), c.add(minus, 1 - margin), gamma));
  return c.op("softplus", {c.add(p, n)});
}

} // namespace cornet
