// SPDX-License-Identifier: Apache-2.0
//
// Words and categories as numbers: what Keras's StringLookup and TextVectorization learn.
#pragma once

#include <cornet/data/dataset.h>

#include <string>
#include <unordered_map>
#include <vector>

namespace cornet::data {

struct VocabularyOptions {
  int64_t max_tokens = 0; ///< keep the most frequent so that size() is at most this; 0: all
  bool oov = true;        ///< the first index after the mask stands for unknown tokens
  bool mask = false;      ///< index 0 is the empty token, as of padding
};

/// Tokens in the order of their index: mask and "[UNK]" if there, then by falling count; equal
/// counts in reverse order of the bytes, as Keras. A plain value.
class Vocabulary {
public:
  Vocabulary() = default;
  /// Of given tokens, without mask and unknown. Throws when one is there twice.
  explicit Vocabulary(std::vector<std::string> tokens, VocabularyOptions options = {});

  int64_t size() const { return int64_t(names.size()); }
  const std::vector<std::string> &tokens() const { return names; } ///< mask and unknown included
  /// The index; of an unknown token that of "[UNK]", or -1 when there is none.
  int64_t index(std::string_view token) const;

private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::vector<std::string> names;
  std::unordered_map<std::string, int64_t, Hash, std::equal_to<>> indices;
  int64_t unknown = -1;
};

/// Counts tokens in a stream; memory is one entry per different token.
class TokenCounter {
public:
  void add(std::string_view token);
  Vocabulary vocabulary(const VocabularyOptions &options = {}) const;

private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::unordered_map<std::string, int64_t, Hash, std::equal_to<>> counts;
};

struct TextVectorizationOptions {
  int64_t max_tokens = 0;             ///< 0: all
  bool standardize = true;            ///< lower case (ASCII), punctuation removed
  int64_t output_sequence_length = 0; ///< pads with 0 or cuts; 0: as long as the text
};

/// Texts as sequences of word numbers: Keras's TextVectorization with its defaults, split at white
/// space; 0 is padding, 1 an unknown word.
class TextVectorization {
public:
  explicit TextVectorization(TextVectorizationOptions options = {});
  /// Learns the words of x[0] of every element in one pass.
  void adapt(const Dataset &texts);
  void set_vocabulary(std::vector<std::string> words);
  const Vocabulary &vocabulary() const { return words; }
  /// i32 (output_sequence_length), or (number of words).
  Array operator()(std::string_view text) const;
  /// x[0], a text, replaced by its numbers: give this to Dataset::map.
  Example operator()(Example example) const;

private:
  TextVectorizationOptions options;
  Vocabulary words;
};

} // namespace cornet::data
