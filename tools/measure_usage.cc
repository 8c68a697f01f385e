// SPDX-License-Identifier: Apache-2.0
#include "tools/measure_usage.h"

#include <fcntl.h>

#include <algorithm>
#include <filesystem>
#include <unordered_map>

#include "account/take_sample.h"
#include "guest/adopted.h"
#include "host/root_key.h"
#include "host/xids.h"
#include "packages/packages.h"
#include "tools/choose.h"
#include "tools/text.h"

namespace vunify {
namespace {

HeldInode root_of(const std::string& path, const std::vector<Mount>& mounts) {
  const auto inode = stat_fd(open_host(find_guest(path, mounts).root, O_RDONLY | O_DIRECTORY).get());
  return {inode.dev, inode.ino};
}

// "usr/lib" of "usr/lib/x86_64-linux-gnu/libc.so.6", where two are wanted.
std::string first_steps(std::string_view path, unsigned depth, bool is_directory) {
  std::size_t end = 0;
  for (unsigned i = 0; i < depth; ++i) {
    const auto slash = path.find('/', end == 0 ? 0 : end + 1);
    if (slash == std::string_view::npos) return std::string(is_directory ? path : path.substr(0, end));
    end = slash;
  }
  return std::string(path.substr(0, end));
}

PartName by_directory(unsigned depth) {
  return
      [depth](std::size_t, std::string_view path, bool is_directory) { return first_steps(path, depth, is_directory); };
}

using PackageOf = std::unordered_map<std::string, std::string>;

PackageOf packages_of(const Holder& holder) {
  PackageOf packages;
  auto read = read_packages(holder.tree);
  if (!read.unknown.empty()) complain(printable(holder.name) + ": " + one_line(read.unknown));
  for (const auto& package : read.packages)
    for (const auto& file : package.files) packages.try_emplace(file, package.name + " " + package.version);
  return packages;
}

PartName by_package(const HeldFilesystem& held, const std::vector<bool>& is_asked) {
  auto of_holders = std::make_shared<std::vector<PackageOf>>(held.holders.size());
  for (std::size_t i = 0; i < held.holders.size(); ++i)
    if (is_asked[i] && held.holders[i].name != host_name) (*of_holders)[i] = packages_of(held.holders[i]);
  return [of_holders](std::size_t holder, std::string_view path, bool is_directory) -> std::string {
    const auto& packages = (*of_holders)[holder];
    const auto found = is_directory ? packages.end() : packages.find("/" + std::string(path));
    return found == packages.end() ? "(no package)" : found->second;
  };
}

PartName division_of(const HeldFilesystem& held, const std::vector<bool>& is_asked, const UsageOptions& options) {
  if (options.depth != 0) return by_directory(options.depth);
  return options.by == "package" ? by_package(held, is_asked) : PartName();
}

class Asking {
 public:
  explicit Asking(const UsageOptions& options) : options_(options) {}

  AskedHolders find() {
    take_known();
    const auto mounts = read_mounts();
    for (const auto& word : options_.guests) ask_for(word, mounts);
    auto opened = open_holders(roots_);
    for (const auto& refusal : opened.refused) miss(printable(refusal.path) + ": " + one_line(refusal.reason));
    for (auto& held : opened.filesystems) add(std::move(held));
    return std::move(found_);
  }

 private:
  void take_known() {
    Options options;
    options.config = options_.config;
    host_ = find_host_guests(options);
    show_xids(options_.state_dir, host_);
    for (const auto& mistake : host_.mistakes)
      if (options_.all) miss(printable(place_of(mistake)) + ": " + one_line(mistake.reason));
    for (const auto& guest : host_.guests)
      if (!guest.root.empty())
        roots_.push_back({.path = guest.root, .name = name_among(guest, host_.guests), .xid = guest.xid, .rules = {}});
  }

  void ask_for(const std::string& word, const std::vector<Mount>& mounts) {
    const bool is_directory = is_directory_word(word);
    const auto path = is_directory ? word : find_named(word, host_).root;
    try {
      asked_.push_back(root_of(path, mounts));
    } catch (const std::system_error& error) {
      throw Failed(Exit::usage, printable(word) + ": " + error.code().message());
    }
    if (is_directory) roots_.push_back({.path = path, .name = path, .xid = {}, .rules = {}});
  }

  void add(HeldFilesystem held) {
    const auto is_asked = [&](const Holder& holder) {
      return options_.all || std::ranges::find(asked_, HeldInode{holder.root.dev, holder.root.ino}) != asked_.end();
    };
    std::vector<bool> asked;
    for (const auto& holder : held.holders) asked.push_back(holder.name == host_name ? options_.all : is_asked(holder));
    if (std::ranges::find(asked, true) == asked.end()) return;
    auto part = division_of(held, asked, options_);
    found_.filesystems.push_back({std::move(held), asked, std::move(part)});
  }

  void miss(const std::string& message) {
    complain(message);
    found_.is_whole = false;
  }

  const UsageOptions& options_;
  HostGuests host_;
  std::vector<GuestRoot> roots_;
  std::vector<HeldInode> asked_;
  AskedHolders found_;
};

// A directory is told with all beneath it.
std::vector<UsageRow> with_what_is_beneath(const std::vector<PartUsage>& parts, std::size_t holder) {
  std::map<std::string, Usage> sums;
  for (const auto& part : parts) {
    if (part.holder != holder) continue;
    for (std::string_view path = part.name; !path.empty(); path = split_path(path).parent)
      sums["/" + std::string(path)] += part.usage;
  }
  std::vector<UsageRow> rows;
  for (const auto& [name, usage] : sums) rows.push_back({name, usage});
  return rows;
}

std::vector<UsageRow> rows_of(const std::vector<PartUsage>& parts, std::size_t holder) {
  std::vector<UsageRow> rows;
  for (const auto& part : parts)
    if (part.holder == holder) rows.push_back({part.name, part.usage});
  return rows;
}

MeasureRules rules_for(const AskedHolders::One& one, const UsageOptions& options) {
  MeasureRules rules;
  constexpr unsigned contents = 20;
  if (options.by == "content") rules.contents = options.top != 0 ? options.top : contents;
  rules.part = one.part;
  return rules;
}

std::vector<UsageContent> name_contents(const HeldFilesystem& held, const std::vector<Content>& contents,
                                        const Stop& stop) {
  std::vector<HeldInode> inodes;
  for (const auto& content : contents) inodes.push_back(content.inode);
  const auto names = contents.empty() ? decltype(find_names(held, inodes, stop))() : find_names(held, inodes, stop);
  std::vector<UsageContent> named;
  for (const auto& content : contents)
    named.push_back({content.bytes, content.holders, names.at({content.inode.dev, content.inode.ino})});
  return named;
}

// By which a guest is known over the years.
void add_keys(const HeldFilesystem& held, Sample& sample) {
  const auto mounts = read_mounts();
  for (std::size_t i = 0; i < held.holders.size(); ++i)
    if (held.holders[i].name != host_name) sample.holders[i].key = root_key(held.holders[i].path, mounts).value_or("");
}

FilesystemUsage measure_one(const AskedHolders::One& one, const UsageOptions& options, const Stop& stop,
                            Counters& counters, bool& is_whole) {
  const auto measured = measure(one.held, rules_for(one, options), stop, counters);
  FilesystemUsage usage{take_sample(one.held, measured), one.is_asked, {}, {}};
  add_keys(one.held, usage.sample);
  for (const auto& unread : measured.failed) {
    complain(printable(one.held.holders[unread.holder].name) + ": /" + printable(unread.path) + ": " + unread.reason);
    is_whole = false;
  }
  for (std::size_t i = 0; one.part && i < one.held.holders.size(); ++i)
    usage.parts.push_back(options.depth != 0 ? with_what_is_beneath(measured.parts, i) : rows_of(measured.parts, i));
  usage.contents = name_contents(one.held, measured.contents, stop);
  return usage;
}

}  // namespace

AskedHolders find_asked(const UsageOptions& options) { return Asking(options).find(); }

UsageReport measure_usage(const AskedHolders& asked, const UsageOptions& options, const Stop& stop,
                          Counters& counters) {
  UsageReport report;
  report.is_whole = asked.is_whole;
  for (const auto& one : asked.filesystems)
    if (!stop.requested()) report.filesystems.push_back(measure_one(one, options, stop, counters, report.is_whole));
  return report;
}

}  // namespace vunify
