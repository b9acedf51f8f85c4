// SPDX-License-Identifier: Apache-2.0
#include "codegen/tune/Database.h"

#include "codegen/cpu/Variant.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

using namespace mlir;

namespace cornet::tune {
namespace {

constexpr StringRef kHead =
    "# Measured choices of kernels; `cornet compile MODEL --tune` writes them. A line is\n"
    "# computation | isa | threads | cpu | fastest: time | the cost model's choice: time\n";

/// "winograd 4x4 2 64: 812.3 us"; false with a reason when it is not.
bool parseTimed(StringRef text, Timed &out, std::string &why) {
  auto [variant, time] = text.rsplit(": ");
  if (!time.consume_back(" us") || time.getAsDouble(out.microseconds) ||
      !(out.microseconds > 0 && out.microseconds < 1e12)) {
    why = "'" + text.str() + "' should be a variant and its time, as in contract 6x4: 81.5 us";
    return false;
  }
  auto parsed = cpu::Variant::parse(variant);
  if (!parsed) {
    why = llvm::toString(parsed.takeError());
    return false;
  }
  out.variant = variant.str();
  return true;
}

/// Fills key and entry from a line, or says why not.
std::string parseLine(StringRef line, Key &key, Entry &entry) {
  SmallVector<StringRef> fields;
  line.split(fields, " | ");
  if (fields.size() != 6)
    return llvm::formatv("{0} fields; a line has 6 with ' | ' between them: computation, ISA "
                         "level, threads, CPU, fastest variant, the model's",
                         fields.size());
  for (StringRef field : fields)
    if (field.trim().empty() || field != field.trim())
      return "a field is empty or begins or ends with a blank";
  StringRef threads = fields[2];
  if (!(threads.consume_back(" thread") || threads.consume_back(" threads")) ||
      threads.getAsInteger(10, key.machine.threads) || key.machine.threads < 1)
    return "'" + fields[2].str() + "' should be a number of threads, as in 2 threads";
  auto isa = cpu::isaFor(fields[1]);
  if (!isa || fields[1] == "host") {
    std::string why = "'" + fields[1].str() + "' is no ISA level";
    if (!isa)
      why = llvm::toString(isa.takeError());
    return why;
  }
  key.computation = fields[0].str(), key.machine.isa = fields[1].str();
  key.machine.cpu = fields[3].str();
  std::string why;
  if (!parseTimed(fields[4], entry.best, why) || !parseTimed(fields[5], entry.model, why))
    return why;
  return "";
}

std::string timedText(const Timed &timed) {
  return timed.variant + ": " + llvm::formatv("{0:f2}", timed.microseconds).str() + " us";
}

/// LLVM's name for its kind: without family and model, and the same where the cores are.
StringRef kindOf(StringRef cpu) {
  StringRef name = cpu.split(' ').first;
  return name == "sapphirerapids" ? "emeraldrapids" : name;
}

/// Larger the less alike they are; none for CPUs of different kinds.
std::optional<int> distanceOf(const Machine &wanted, const Machine &have) {
  if (kindOf(have.cpu) != kindOf(wanted.cpu))
    return std::nullopt;
  int threads = have.threads <= wanted.threads ? int(wanted.threads - have.threads)
                                               : 1000 + int(have.threads - wanted.threads);
  return std::min(threads, 100000) + (have.cpu == wanted.cpu ? 0 : 1000000);
}

} // namespace

llvm::Error Database::parse(StringRef text, StringRef file) {
  SmallVector<StringRef> lines;
  text.split(lines, '\n');
  for (auto [i, line] : llvm::enumerate(lines)) {
    line.consume_back("\r");
    if (line.trim().empty() || line.starts_with("#"))
      continue;
    Key key;
    Entry entry;
    if (std::string why = parseLine(line, key, entry); !why.empty())
      return llvm::createStringError(
          file + ":" + Twine(i + 1) + ": error: " + why +
          "; delete the line or the file, then `cornet compile MODEL --tune` measures anew");
    add(key, entry);
  }
  return llvm::Error::success();
}

llvm::Expected<Database> Database::read(const std::string &file, bool mayLack) {
  Database out;
  auto buffer = llvm::MemoryBuffer::getFile(file, true, false);
  if (!buffer) {
    if (mayLack && buffer.getError() == std::errc::no_such_file_or_directory)
      return out;
    return llvm::createStringError(file + ": " + buffer.getError().message() +
                                   "; `cornet compile MODEL --tune --tuning=FILE` writes one");
  }
  if (llvm::Error error = out.parse((*buffer)->getBuffer(), file))
    return std::move(error);
  return out;
}

const Entry *Database::find(const Key &key) const {
  auto it = entries.find(key.text());
  return it == entries.end() ? nullptr : &it->second.second;
}

Found Database::nearest(const std::string &computation, const Machine &machine) const {
  Found out;
  std::string prefix = computation + " | " + machine.isa + " | ";
  for (auto it = entries.lower_bound(prefix);
       it != entries.end() && StringRef(it->first).starts_with(prefix); ++it) {
    std::optional<int> distance = distanceOf(machine, it->second.first.machine);
    if (distance && (!out.entry || *distance < out.distance))
      out = {&it->second.second, *distance};
  }
  return out;
}

std::string Database::text() const {
  std::string out = kHead.str();
  for (const auto &[key, entry] : entries)
    out +=
        key + " | " + timedText(entry.second.best) + " | " + timedText(entry.second.model) + "\n";
  return out;
}

llvm::Error Database::mergeInto(const std::string &file) const {
  SmallString<128> folder(file);
  llvm::sys::path::remove_filename(folder);
  if (!folder.empty())
    llvm::sys::fs::create_directories(folder);
  auto cannot = [&](std::error_code error) {
    return llvm::createStringError(error, file + ": cannot be written: " + error.message());
  };
  // The folder itself is the lock: no other file is left behind.
  int lock = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  llvm::scope_exit unlock([&] { ::close(lock); });
  if (lock < 0 || ::flock(lock, LOCK_EX) != 0)
    return cannot(std::error_code(errno, std::generic_category()));
  auto merged = read(file);
  if (!merged)
    return merged.takeError();
  for (const auto &[text, entry] : entries)
    merged->entries[text] = entry;
  auto temporary = llvm::sys::fs::TempFile::create(file + "-%%%%%%");
  if (!temporary)
    return llvm::createStringError(file +
                                   ": cannot be written: " + llvm::toString(temporary.takeError()));
  llvm::raw_fd_ostream stream(temporary->FD, false);
  stream << merged->text();
  stream.flush();
  if (stream.has_error()) {
    std::error_code error = stream.error();
    stream.clear_error();
    llvm::consumeError(temporary->discard());
    return cannot(error);
  }
  return temporary->keep(file);
}

const Database &shipped() {
  static const Database database = [] {
    static constexpr struct {
      const char *file;
      const char *text;
    } texts[] = {
#include "codegen/tune/Shipped.inc"
        {"", ""}};
    Database out;
    for (const auto &[file, text] : texts)
      if (llvm::Error error = out.parse(text, file))
        llvm::report_fatal_error(std::move(error)); // a test parses them
    return out;
  }();
  return database;
}

} // namespace cornet::tune
