// SPDX-License-Identifier: Apache-2.0
//
// EinsumDense's contraction as transpose, reshape and one matmul. Letters of the data are free (in
// the result) or contracted (in the weight and not in the result); letters of the weight are
// contracted or new.
#include <cornet/tensor.h>

#include <algorithm>

namespace cornet::ops {
namespace {

/// "..." becomes as many capitals as the data has dimensions for it.
std::string spellEllipsis(std::string term, size_t missing) {
  size_t at = term.find("...");
  return at == std::string::npos ? term
                                 : term.replace(at, 3, std::string("ABCDEFGH").substr(0, missing));
}

int64_t product(const Shape &extents) {
  int64_t out = 1;
  for (int64_t extent : extents)
    out *= extent;
  return out;
}

} // namespace

Tensor einsum(const std::string &equation, const Tensor &x, const Tensor &weight) {
  auto refuse = [&](const std::string &why) {
    x.graph->mistake("einsum '" + equation + "': " + why);
    return x;
  };
  size_t comma = equation.find(','), arrow = equation.find("->");
  if (comma == std::string::npos || arrow == std::string::npos || comma > arrow)
    return refuse("write it as \"data,weight->result\"");
  std::string data = equation.substr(0, comma),
              kernel = equation.substr(comma + 1, arrow - comma - 1),
              result = equation.substr(arrow + 2);
  size_t named = data.find("...") == std::string::npos ? data.size() : data.size() - 3;
  if (named > x.rank() || x.rank() - named > 8)
    return refuse("the data has " + std::to_string(x.rank()) + " dimensions");
  data = spellEllipsis(data, x.rank() - named), result = spellEllipsis(result, x.rank() - named);
  if (data.size() != x.rank() || kernel.size() != weight.rank())
    return refuse("the data has " + std::to_string(x.rank()) + " dimensions, the weight " +
                  std::to_string(weight.rank()));
  // Data as (free..., contracted...), weight as (contracted..., new...).
  std::vector<int64_t> dataOrder, kernelOrder;
  Shape free, contracted, fresh;
  std::string letters;
  for (size_t i = 0; i < data.size(); ++i)
    if (result.find(data[i]) != std::string::npos)
      dataOrder.push_back(int64_t(i)), free.push_back(x.shape()[i]), letters += data[i];
  for (size_t i = 0; i < data.size(); ++i)
    if (result.find(data[i]) == std::string::npos) {
      size_t at = kernel.find(data[i]);
      if (at == std::string::npos)
        return refuse(std::string("'") + data[i] + "' is in neither the weight nor the result");
      dataOrder.push_back(int64_t(i)), kernelOrder.push_back(int64_t(at)),
          contracted.push_back(x.shape()[i]);
    }
  for (size_t i = 0; i < kernel.size(); ++i)
    if (data.find(kernel[i]) == std::string::npos)
      kernelOrder.push_back(int64_t(i)), fresh.push_back(weight.shape()[i]), letters += kernel[i];
    else if (result.find(kernel[i]) != std::string::npos)
      return refuse(std::string("'") + kernel[i] + "' is in data, weight and result");
  if (free.empty() || free[0] != -1 || dataOrder[0] != 0)
    return refuse("the batch must be first in data and result");
  if (letters.size() != result.size() ||
      !std::is_permutation(letters.begin(), letters.end(), result.begin()))
    return refuse("the result must hold the letters that are not contracted, each once");
  int64_t rows = product(Shape(free.begin() + 1, free.end())), depth = product(contracted),
          columns = product(fresh);
  Tensor a = reshape(transpose(x, dataOrder), {-1, rows, depth});
  Tensor b = reshape(transpose(weight, kernelOrder), {depth, columns});
  Shape full = free;
  full.insert(full.end(), fresh.begin(), fresh.end());
  Tensor y = reshape(matmul(a, b), full);
  std::vector<int64_t> order;
  for (char letter : result)
    order.push_back(int64_t(letters.find(letter)));
  return transpose(y, order);
}

} // namespace cornet::ops
