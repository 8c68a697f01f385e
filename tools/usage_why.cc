// SPDX-License-Identifier: Apache-2.0
#include "tools/usage_why.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "tools/own_name.h"
#include "tools/text.h"

namespace vunify {
namespace {

class Explanation {
 public:
  Explanation(const AskedHolders::One& one, const UsageOptions& options)
      : held_(one.held),
        options_(options),
        guest_(static_cast<std::size_t>(std::ranges::find(one.is_asked, true) - one.is_asked.begin())),
        path_(own_name(held_.holders[guest_].tree, options.why_path)) {}

  std::string text(const Stop& stop, Counters& counters) const {
    const auto inode = look();
    const auto path = printable(path_);
    if (inode.is_directory())
      return fmt::format("{}: a directory, {} alone has it: {}\n", path, name(guest_), own(inode));
    const MeasureRules rules{.asked = {inode.dev, inode.ino}};
    const auto measured = measure(held_, rules, stop, counters);
    if (measured.asked.empty()) return fmt::format("{}: {} alone has it: {}\n", path, name(guest_), own(inode));
    std::string text = path + ":\n";
    for (const auto& piece : measured.asked) text += tell(piece);
    return text + tell_names(rules.asked, stop) + tell_copy(measured.asked, inode);
  }

 private:
  Inode look() const {
    try {
      const auto found = open_name(held_.holders[guest_].tree, path_);
      if (const auto inode = stat_name(found.dir.get(), found.leaf.c_str())) return *inode;
    } catch (const std::system_error& error) {
      throw Failed(Exit::usage, printable(path_) + ": " + error.code().message());
    }
    throw Failed(Exit::usage, printable(path_) + ": no such name in " + name(guest_));
  }

  std::string name(std::size_t holder) const { return printable(held_.holders[holder].name); }
  std::string size(std::uint64_t bytes) const { return format_size(bytes, options_.unit); }
  std::string own(const Inode& inode) const { return size(inode.bytes_on_disk()) + ", which would be free if it went"; }

  std::string tell(const Content& piece) const {
    if (piece.holders.size() == 1)
      return fmt::format("  {} that {} alone has: free if it went\n", size(piece.bytes), name(piece.holders[0]));
    std::vector<std::string> names;
    for (const auto holder : piece.holders) names.push_back(name(holder));
    return fmt::format("  {} that {} share: each is charged {}, and nothing is free if one of them goes\n",
                       size(piece.bytes), fmt::join(names, ", "), size(piece.bytes / piece.holders.size()));
  }

  std::string tell_names(const HeldInode& inode, const Stop& stop) const {
    std::string text = "  names of the inode:\n";
    for (const auto& [key, names] : find_names(held_, {inode}, stop))
      for (const auto& one : names) text += fmt::format("    {}: /{}\n", name(one.holder), printable(one.path));
    return text;
  }

  std::string tell_copy(const std::vector<Content>& pieces, const Inode& inode) const {
    const auto is_shared = [](const Content& piece) { return piece.holders.size() > 1; };
    if (inode.nlink == 1 || !inode.is_regular() || std::ranges::none_of(pieces, is_shared)) return {};
    return fmt::format("  A copy of its own, which {} gets when it writes to it, or by vunify -R, takes {}.\n",
                       name(guest_), size(inode.bytes_on_disk()));
  }

  const HeldFilesystem& held_;
  const UsageOptions& options_;
  std::size_t guest_;
  std::string path_;
};

}  // namespace

std::string usage_why(const AskedHolders& asked, const UsageOptions& options, const Stop& stop, Counters& counters) {
  return Explanation(asked.filesystems.front(), options).text(stop, counters);
}

}  // namespace vunify
