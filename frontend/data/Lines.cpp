// SPDX-License-Identifier: Apache-2.0
// Text files as datasets of their lines.
#include "frontend/data/Pipeline.h"
#include "frontend/data/Stream.h"

#include <cornet/data/files.h>

namespace cornet::data {

Dataset TextLineDataset(std::vector<std::string> files) {
  struct Walk {
    std::vector<std::string> files;
    size_t file = 0;
    std::unique_ptr<Stream> stream{};
    std::string line{};

    bool next(Example &example) {
      while (true) {
        if (!stream && file == files.size())
          return false;
        if (!stream)
          stream = std::make_unique<Stream>(files[file++]);
        if (stream->line(line, size_t(64) << 20)) {
          example = {};
          example.x.push_back(Array::text(line));
          return true;
        }
        stream.reset();
      }
    }
  };
  return streamedDataset([files = std::move(files)]() -> std::function<bool(Example &)> {
    auto walk = std::make_shared<Walk>(Walk{files});
    return [walk](Example &example) { return walk->next(example); };
  });
}

} // namespace cornet::data
