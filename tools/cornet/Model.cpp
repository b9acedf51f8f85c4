// SPDX-License-Identifier: Apache-2.0
// Resolves MODEL arguments. DSL sources become shared libraries here, with the headers and
// libraries of this installation (or of the source tree the executable was built from).
#include "Model.h"
#include "Data.h"
#include "Errors.h"
#include "Progress.h"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace cornet::cli {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> includeFolders() {
  fs::path installed = libraryFolder().parent_path() / "include";
  if (fs::exists(installed / "cornet"))
    return {installed.string()};
  return {CORNET_SOURCE_DIR "/frontend/include", CORNET_SOURCE_DIR};
}

/// $CXX may hold arguments ("ccache g++"); they are split at blanks.
std::vector<std::string> userCompiler() {
  const char *variable = std::getenv("CXX");
  std::string text = variable && *variable ? variable : "c++", word;
  std::vector<std::string> words;
  for (size_t at = 0; at != text.npos && at < text.size();) {
    size_t end = std::min(text.find(' ', at), text.size());
    if (end > at)
      words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words.empty() ? std::vector<std::string>{"c++"} : words;
}

void buildSource(const std::string &path, const std::string &library) {
  std::vector<std::string> command = userCompiler();
  std::string lib = libraryFolder().string();
  command.insert(command.end(), {"-std=c++20", "-O1", "-shared", "-fPIC"});
  for (const std::string &folder : includeFolders())
    command.push_back("-I" + folder);
  command.insert(command.end(), {path, "-o", library, "-L" + lib, "-Wl,-rpath," + lib,
                                 "-lcornet_frontend", "-lcornet_infer"});
  if (int code = execute(command); code != 0)
    throw UserError(fmt::format("{}: {} could not build it (exit code {}); the command was\n  {}",
                                path, command[0], code, fmt::join(command, " ")));
}

std::string existing(const std::string &path) {
  std::error_code error;
  if (!fs::exists(path, error))
    throw UserError(fmt::format("{}: no such file", path));
  if (!fs::is_regular_file(path, error))
    throw UserError(fmt::format("{}: is not a file", path));
  return fs::absolute(path).string();
}

ModelFile resolveName(const std::string &name) {
  std::vector<std::string> known;
  for (const ZooModel &model : zoo()) {
    if (model.name == name)
      return {name, "", Source{Source::Library, model.library, name}, nullptr};
    known.push_back(model.name);
  }
  std::error_code error;
  std::string hint =
      fs::exists(name, error)
          ? "; a model file ends in .cornet, .cpp, .keras, .h5 or .mlir"
          : fmt::format("; the zoo has: {}",
                        known.empty() ? "nothing built" : fmt::to_string(fmt::join(known, ", ")));
  throw UserError(fmt::format("{}: is neither a zoo model nor a model file{}", name, hint));
}

} // namespace

std::vector<ZooModel> zoo() {
  std::vector<ZooModel> models;
  std::error_code error;
  for (const auto &entry : fs::directory_iterator(libraryFolder() / "models", error))
    if (entry.path().extension() == ".so")
      models.push_back({entry.path().stem().string(), entry.path().string()});
  std::sort(models.begin(), models.end(), [](auto &a, auto &b) { return a.name < b.name; });
  return models;
}

ModelFile resolveModel(const std::string &argument) {
  std::string extension = extensionOf(argument);
  std::string stem = fs::path(argument).stem().string();
  if (extension == ".cornet")
    return {stem, existing(argument), std::nullopt, nullptr};
  if (extension == ".mlir")
    return {stem, "", Source{Source::Module, existing(argument)}, nullptr};
  if (extension == ".keras" || extension == ".h5" || extension == ".hdf5")
    return {stem, "", Source{Source::Keras, existing(argument)}, nullptr};
  if (extension == ".so")
    return {stem, "", Source{Source::Library, existing(argument)}, nullptr};
  if (extension == ".cpp" || extension == ".cc" || extension == ".cxx") {
    std::string path = existing(argument);
    auto folder = std::make_shared<TemporaryFolder>();
    std::string library = (folder->path() / (stem + ".so")).string();
    buildSource(path, library);
    if (stem == "model") // models/<name>/model.cpp
      stem = fs::path(path).parent_path().filename().string();
    return {stem, "", Source{Source::Library, library}, folder};
  }
  if (size_t colon = argument.rfind(':'); colon != argument.npos) {
    std::string before = extensionOf(argument.substr(0, colon));
    if (before == ".so" || before == ".cpp" || before == ".cc" || before == ".cxx") {
      ModelFile model = resolveModel(argument.substr(0, colon));
      model.name = model.source->model = argument.substr(colon + 1);
      return model;
    }
  }
  return resolveName(argument);
}

Artifact resolveArtifact(const std::string &argument, const std::vector<int64_t> &batches,
                         const Context &context) {
  ModelFile model = resolveModel(argument);
  if (!model.artifact.empty())
    return {model.name, model.artifact, nullptr};
  auto folder = model.folder ? model.folder : std::make_shared<TemporaryFolder>();
  Progress progress(context.quiet);
  CompileRequest request;
  request.source = *model.source;
  request.output = (folder->path() / (model.name + ".cornet")).string();
  if (!batches.empty())
    request.batches = batches;
  request.progress = [&](const std::string &stage, double fraction) {
    progress.show(stage, fraction);
  };
  CompileReply reply = driver().compile(request);
  if (!reply.error.empty())
    throw UserError(reply.error);
  return {model.name, request.output, folder};
}

} // namespace cornet::cli
