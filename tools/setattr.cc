// SPDX-License-Identifier: Apache-2.0
// setattr: sets and clears attributes, with util-vserver's options (setattr(8)). "--~iunlink" and "--!iunlink" are
// options no library parses, so argv is read here.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <deque>

#include "sys/inode_attr.h"
#include "tools/attr_letters.h"
#include "tools/cli.h"
#include "tools/text.h"
#include "tools/tree.h"

namespace vunify {
namespace {

constexpr std::uint32_t settable = attr_iunlink | attr_immutable | attr_barrier;

constexpr std::string_view help =
    "Usage: setattr [-Rx] [--[~|!]FLAG]... [--flags N] [--~flags N] FILE...\n"
    "Sets attributes of files, or with ~ or ! clears them; see setattr(8).\n\n"
    "  FLAG       iunlink (immu), immutable, ixunlink (iunlink-but-not-immutable),\n"
    "             barrier, cow, admin, watch, hide, write\n"
    "  --flags N  set flags by number; --~flags N clears them\n"
    "  -R         recurse into directories\n"
    "  -x         stay on the filesystem of each FILE\n"
    "  --help     print a summary of the options\n"
    "  --version  print the version\n";

struct Request {
  std::uint32_t set = 0;
  std::uint32_t clear = 0;
  bool recurse = false, one_filesystem = false;
  std::vector<std::string> paths;
};

[[noreturn]] void reject(const std::string& argument, const char* reason) {
  throw Failed(Exit::usage, printable(argument) + ": " + reason + " (see setattr --help)");
}

std::uint32_t number(const std::string& option, std::string_view text) {
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  if (hex) text.remove_prefix(2);
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, hex ? 16 : 10);
  if (error != std::errc() || end != text.data() + text.size()) reject(option, "not a number");
  return value;
}

class ArgumentReader {
 public:
  ArgumentReader(int argc, char** argv) : rest_(argv + 1, argv + argc) {}

  Request read() {
    while (!rest_.empty()) take(next());
    request_.set &= ~request_.clear;  // in one call, clearing wins
    if (request_.paths.empty()) reject("FILE", "missing");
    return request_;
  }

 private:
  std::string next() {
    auto argument = std::move(rest_.front());
    rest_.pop_front();
    return argument;
  }

  void take(const std::string& argument) {
    if (argument == "--") return take_operands();
    if (argument.starts_with("--")) return take_long(argument);
    if (argument.size() > 1 && argument[0] == '-') return take_letters(argument);
    request_.paths.push_back(argument);
  }

  void take_operands() {
    request_.paths.insert(request_.paths.end(), rest_.begin(), rest_.end());
    rest_.clear();
  }

  void take_letters(const std::string& argument) {
    for (char letter : argument.substr(1)) {
      if (letter != 'R' && letter != 'x') reject(argument, "no such option");
      (letter == 'R' ? request_.recurse : request_.one_filesystem) = true;
    }
  }

  void take_long(const std::string& argument) {
    if (argument == "--help")
      answer(std::string(help) + exit_line({Exit::done, Exit::partial, Exit::usage, Exit::fatal}));
    if (argument == "--version") answer(version_line());
    const bool clears = argument[2] == '~' || argument[2] == '!';
    const auto word = argument.substr(clears ? 3 : 2);
    (clears ? request_.clear : request_.set) |= bits_of(argument, word);
  }

  std::uint32_t bits_of(const std::string& argument, const std::string& word) {
    if (word.starts_with("flags=")) return number(argument, std::string_view(word).substr(6));
    if (word == "flags") {
      if (rest_.empty()) reject(argument, "a number is missing");
      return number(argument, next());
    }
    const auto found = std::ranges::find(attr_names, word, &AttrName::word);
    if (found == attr_names.end() || found->bits == attr_xid) reject(argument, "no such option");
    return found->bits;
  }

  std::deque<std::string> rest_;
  Request request_;
};

// For a message: the shortest words that say the bits.
std::string words_of(std::uint32_t bits) {
  if ((bits & attr_iunlink) != 0) return "iunlink";
  for (const auto& name : attr_names)
    if ((bits & name.bits) != 0) return std::string(name.word);
  return fmt::format("{:#x}", bits);
}

std::uint32_t flags_of(std::uint32_t bits) {
  return ((bits & attr_immutable) ? FS_IMMUTABLE_FL : 0) | ((bits & attr_iunlink) ? FS_IUNLINK_FL : 0) |
         ((bits & attr_barrier) ? FS_BARRIER_FL : 0);
}

std::string cannot_set(std::uint32_t bits) { return "this kernel cannot set " + words_of(bits); }

bool is_unknown_flag(const std::system_error& error) { return is_error(error, EOPNOTSUPP) || is_error(error, EINVAL); }

// The empty string, or why not; then the inode is as it was.
std::string change_flags(int fd, std::uint32_t set, std::uint32_t clear) {
  const std::uint32_t touched = flags_of(set | clear), before = inode_flags(fd);
  try {
    change_inode_flags(fd, flags_of(set), flags_of(clear));
  } catch (const std::system_error& error) {
    if (!is_unknown_flag(error)) throw;
    return cannot_set(set | clear);
  }
  // A filesystem may take a bit that it does not know, and drop it.
  if ((inode_flags(fd) & touched) == flags_of(set)) return {};
  change_inode_flags(fd, before & touched, ~before & touched);
  return cannot_set(set | clear);
}

std::string change(const Found& found, const Request& request) {
  const Attrs attrs = read_attrs(found);
  const std::uint32_t set = request.set & ~attrs.set, clear = request.clear & attrs.set;
  if ((set & ~settable) != 0) return cannot_set(set & ~settable);
  if ((clear & attr_cow) != 0) return "cow is vunify's mark; vunify --deunify takes it away";
  if ((set | clear) == 0) return {};
  const Fd fd = open_found(found);
  if (!fd) return "not a regular file or directory";
  if (!has_inode_flags(fd.get())) return "this filesystem keeps no inode flags";
  const bool is_known = known_cowlink_flags(fd.get()) != 0;
  if ((set & attr_barrier) != 0 && is_known && !found.inode.is_directory()) return "only a directory is a barrier";
  if ((set & attr_iunlink) != 0 && is_known && !found.inode.is_regular()) return "only a regular file is iunlink";
  return change_flags(fd.get(), set, clear & settable);
}

// What is to be set is for inodes of its kind; links and devices have no flags at all.
bool takes(const Inode& inode, std::uint32_t set) {
  if ((set & attr_barrier) != 0) return inode.is_directory();
  return inode.is_regular() || (inode.is_directory() && (set & attr_iunlink) == 0);
}

Exit setattr(int argc, char** argv) {
  const Request request = ArgumentReader(argc, argv).read();
  Exit exit = Exit::done;
  const auto failed = [&](const std::string& path, const std::string& reason) {
    complain(printable(path) + ": " + reason);
    exit = Exit::partial;
  };
  TreeWalk walk{request.recurse ? Depth::everything : Depth::itself, true, request.one_filesystem, {}, {}};
  walk.failed = [&](const auto& path, const auto& error) { failed(path, error.code().message()); };
  for (const auto& operand : request.paths) {
    walk.visit = [&](const Found& found) {
      const bool is_meant = found.path == operand && !(request.recurse && found.inode.is_directory());
      if (!is_meant && !takes(found.inode, request.set)) return;
      if (const auto reason = change(found, request); !reason.empty()) failed(found.path, reason);
    };
    visit_tree(operand, walk);
  }
  return exit;
}

}  // namespace
}  // namespace vunify

int main(int argc, char** argv) { return vunify::run_tool(argc, argv, vunify::setattr); }
