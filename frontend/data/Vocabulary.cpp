// SPDX-License-Identifier: Apache-2.0
// Vocabularies and the splitting of texts into words, as Keras's IndexLookup and TextVectorization.
#include <cornet/data/vocabulary.h>

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

namespace cornet::data {
namespace {

/// Calls `use` with each word of a text.
template <typename Use> void forWords(std::string_view text, bool standardize, const Use &use) {
  std::string word;
  auto finish = [&] {
    if (!word.empty())
      use(std::string_view(word));
    word.clear();
  };
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (byte < 128 && std::isspace(byte))
      finish();
    else if (!standardize || byte >= 128)
      word += c;
    else if (!std::ispunct(byte))
      word += char(std::tolower(byte));
  }
  finish();
}

const Array &textOf(const Example &example) {
  if (example.x.empty())
    throw Error("TextVectorization: an element has no x");
  return example.x[0];
}

} // namespace

Vocabulary::Vocabulary(std::vector<std::string> tokens, VocabularyOptions options) {
  if (options.mask)
    names.push_back("");
  if (options.oov) {
    unknown = int64_t(names.size());
    names.push_back("[UNK]");
  }
  if (options.max_tokens != 0 && options.max_tokens < size() + int64_t(tokens.size()))
    throw Error(fmt::format("a vocabulary of {} tokens is asked to have at most {}",
                            size() + int64_t(tokens.size()), options.max_tokens));
  for (std::string &token : tokens)
    names.push_back(std::move(token));
  for (size_t i = 0; i < names.size(); ++i)
    if (!indices.emplace(names[i], int64_t(i)).second)
      throw Error(fmt::format("a vocabulary has the token '{}' twice", names[i]));
}

int64_t Vocabulary::index(std::string_view token) const {
  auto found = indices.find(token);
  return found == indices.end() ? unknown : found->second;
}

void TokenCounter::add(std::string_view token) {
  auto found = counts.find(token);
  if (found != counts.end())
    ++found->second;
  else
    counts.emplace(token, 1);
}

Vocabulary TokenCounter::vocabulary(const VocabularyOptions &options) const {
  int64_t special = options.mask + options.oov;
  if (options.max_tokens != 0 && options.max_tokens <= special)
    throw Error(fmt::format("a vocabulary of at most {} tokens has no room beside its {} special "
                            "ones",
                            options.max_tokens, special));
  std::vector<std::pair<int64_t, std::string_view>> order;
  for (const auto &[token, count] : counts)
    if (!(options.mask && token.empty()) && !(options.oov && token == "[UNK]"))
      order.emplace_back(count, token);
  std::sort(order.rbegin(), order.rend());
  if (options.max_tokens != 0)
    order.resize(std::min(order.size(), size_t(options.max_tokens - special)));
  std::vector<std::string> tokens;
  for (const auto &[count, token] : order)
    tokens.emplace_back(token);
  return Vocabulary(std::move(tokens), options);
}

TextVectorization::TextVectorization(TextVectorizationOptions options)
    : options(options), words({}, {.mask = true}) {
  if (options.max_tokens < 0 || options.output_sequence_length < 0)
    throw Error("TextVectorization: max_tokens and output_sequence_length must not be negative");
}

void TextVectorization::adapt(const Dataset &texts) {
  TokenCounter counter;
  auto pass = texts.iterator(0);
  for (Example example; pass->next(example);)
    forWords(textOf(example).text(), options.standardize,
             [&](std::string_view word) { counter.add(word); });
  words = counter.vocabulary({.max_tokens = options.max_tokens, .mask = true});
}

void TextVectorization::set_vocabulary(std::vector<std::string> tokens) {
  words = Vocabulary(std::move(tokens), {.max_tokens = options.max_tokens, .mask = true});
}

Array TextVectorization::operator()(std::string_view text) const {
  std::vector<int32_t> numbers;
  auto most = size_t(options.output_sequence_length);
  forWords(text, options.standardize, [&](std::string_view word) {
    if (most == 0 || numbers.size() < most)
      numbers.push_back(int32_t(words.index(word)));
  });
  if (most != 0)
    numbers.resize(most);
  return Array::of<int32_t>({int64_t(numbers.size())}, numbers);
}

Example TextVectorization::operator()(Example example) const {
  example.x[0] = (*this)(textOf(example).text());
  return example;
}

} // namespace cornet::data
