// SPDX-License-Identifier: Apache-2.0
#include "tools/usage_ncdu.h"

#include <fmt/format.h>

#include <map>
#include <mutex>
#include <string_view>

#include "account/walk_holders.h"
#include "tools/text.h"

namespace vunify {
namespace {

std::string quoted(std::string_view name) {
  std::string text = "\"";
  for (const char byte : name) {
    if (byte == '"' || byte == '\\') text += '\\';
    text += static_cast<unsigned char>(byte) < 0x20 ? fmt::format("\\u{:04x}", byte) : std::string(1, byte);
  }
  return text + "\"";
}

// One name; of a directory what opens it.
std::string entry_of(std::string_view name, const Inode& inode) {
  auto text = fmt::format("{{\"name\":{},\"asize\":{},\"dsize\":{},\"dev\":{},\"ino\":{}", quoted(name),
                          inode.is_regular() || inode.is_symlink() ? inode.stamp.size : 0, inode.bytes_on_disk(),
                          inode.dev, inode.ino);
  if (!inode.is_directory() && inode.nlink > 1) text += fmt::format(",\"hlnkc\":true,\"nlink\":{}", inode.nlink);
  if (!inode.is_directory() && !inode.is_regular()) text += ",\"notreg\":true";
  return text + "}";
}

// What is beneath a directory comes right behind it, not what sorts after its name: "a", "a/b", "a.c".
struct ByTree {
  bool operator()(const std::string& one, const std::string& other) const {
    const auto rank = [](char byte) { return byte == '/' ? 0 : static_cast<unsigned char>(byte) + 1; };
    return std::ranges::lexicographical_compare(one, other, {}, rank, rank);
  }
};

// Directories of one holder by their path from his root, each with the names in it that are none.
class Listings {
 public:
  void add(const std::string& prefix, const Listing& listing) {
    Directory directory{stat_fd(listing.fd), {}};
    for (const auto& entry : listing.entries) {
      if (entry.inode.is_directory()) continue;
      const auto inode = entry.inode.is_regular() ? entry.inode : stat_name(listing.fd, entry.leaf.data());
      if (inode) directory.names += "," + entry_of(entry.leaf, *inode);
    }
    auto path = prefix + std::string(listing.path);
    if (path.ends_with('/')) path.pop_back();  // the top of a subvolume
    const std::lock_guard lock(adding_);
    directories_.emplace(std::move(path), std::move(directory));
  }

  std::string text(const std::string& root) const {
    std::string text;
    std::vector<std::string> open;  // paths of the directories that are not closed yet
    for (const auto& [path, directory] : directories_) {
      for (; !open.empty() && !is_in(path, open.back()); open.pop_back()) text += "]";
      if (!text.empty()) text += ",";
      text += "\n[" + entry_of(open.empty() ? root : split_path(path).leaf, directory.inode) + directory.names;
      open.push_back(path);
    }
    return text + std::string(open.size(), ']');
  }

 private:
  struct Directory {
    Inode inode;
    std::string names;
  };
  static bool is_in(const std::string& path, const std::string& directory) {
    return directory.empty() || path.starts_with(directory + "/");
  }

  std::mutex adding_;
  std::map<std::string, Directory, ByTree> directories_;
};

std::string text_of(const AskedHolders::One& one, const Stop& stop, bool& is_whole) {
  std::vector<Listings> listings(one.held.holders.size());
  std::mutex failing;
  HolderWalk(one.held, stop)
      .run([&](const Top& top, const Listing& listing) { listings[top.holder].add(top.prefix, listing); },
           [&](std::size_t holder, const std::string& path, const std::system_error& error) {
             const std::lock_guard lock(failing);
             if (!one.is_asked[holder]) return;
             complain(printable(one.held.holders[holder].name) + ": /" + printable(path) + ": " +
                      error.code().message());
             is_whole = false;
           });
  std::string text;
  for (std::size_t i = 0; i < listings.size(); ++i)
    if (one.is_asked[i]) text += "," + listings[i].text(one.held.holders[i].path);
  return text;
}

}  // namespace

std::string usage_ncdu(const AskedHolders& asked, const Stop& stop, bool& is_whole) {
  auto text = fmt::format("[1,2,{{\"progname\":\"vdu\",\"progver\":\"{}\",\"timestamp\":{}}},[{{\"name\":\"guests\"}}",
                          VUNIFY_VERSION, clock_now().sec);
  for (const auto& one : asked.filesystems) text += text_of(one, stop, is_whole);
  return text + "]]\n";
}

}  // namespace vunify
