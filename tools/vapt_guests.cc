// SPDX-License-Identifier: Apache-2.0
// For whom and how. A guest whose shared files an upgrade could not replace is shown by vcow meanwhile, or refused.
#include <fcntl.h>

#include <algorithm>

#include "guest/adopted.h"
#include "guest/guest.h"
#include "guest/marked_file.h"
#include "host/off_list.h"
#include "host/who_runs.h"
#include "packages/front_end.h"
#include "sys/child.h"
#include "sys/inode.h"
#include "sys/inode_attr.h"
#include "sys/namespaces.h"
#include "sys/root_dir.h"
#include "tools/choose.h"
#include "tools/named_guest.h"
#include "tools/one_guest.h"
#include "tools/text.h"
#include "tools/vapt.h"

namespace vunify {
namespace {

constexpr ChildLimits for_a_walk{.seconds = 600, .memory_bytes = std::uint64_t{1} << 36, .answer_bytes = 1 << 16};

// One that was asked for.
struct AskedGuest {
  std::string word;
  GuestRoot root;
  bool is_off = false;
};

[[noreturn]] void refuse(const std::string& reason) { throw Failed(Exit::refused, reason); }

// By its path; empty where there is none. Under iunlink the guest replaces it as if it were its own. In a process of
// its own, for it takes threads.
std::string fixed_file_in(const RootDir& tree) {
  const auto look = [&tree]() -> std::string {
    const auto path = find_marked_file(tree);
    if (!path) return {};
    const auto flags = inode_flags(tree.open_regular(*path).get());
    return (flags & FS_IMMUTABLE_FL) != 0 && (flags & FS_IUNLINK_FL) == 0 ? *path : "";
  };
  const auto told = answer_of_child(look, for_a_walk);
  if (!told) refuse("whether its files can be replaced cannot be told");
  return *told;
}

// Held, and still the same.
std::optional<Container> container_of(const std::string& path) {
  const auto process = first_process_of(path);
  if (!process && !who_runs({path}).front()) return std::nullopt;
  if (process) {
    Container container{*process, hold_process(*process)};
    if (first_process_of(path) == process) return container;
  }
  refuse("somebody lives in it, or has it mounted, and in no container that can be entered: stop it first");
}

std::vector<std::string> vcow_for(const std::string& path, const std::string& program, const VaptOptions& options) {
  return {program, "mount", "-f", "--config", options.config, "--state", options.state_dir, path};
}

class Preparing {
 public:
  Preparing(const VaptOptions& options, const std::string& programs) : options_(options), vcow_(programs + "/vcow") {}

  VaptGuest prepare(const AskedGuest& asked) const {
    const auto place = find_guest(asked.root.path, read_mounts());
    if (place.is_mounted) stat_fd(open_host(place.path, O_PATH).get());  // its daemon lives
    const RootDir tree(place.root);
    const auto program = find_front_end(tree);
    if (!program) refuse("no package manager that is known: none of apt-get, dnf, microdnf, yum, apk, pacman");
    VaptGuest guest{asked.word, name_of(asked.root), {}, asked.is_off};
    auto& request = guest.request;
    request.words = {*program};
    request.words.insert(request.words.end(), options_.arguments.begin(), options_.arguments.end());
    request.name = split_path(place.path).leaf;
    request.path = place.path;
    request.shown_as = vcow_type;
    request.container = container_of(place.path);
    if (!place.is_mounted) protect(asked, place, tree, request);
    return guest;
  }

 private:
  void protect(const AskedGuest& asked, const GuestPlace& place, const RootDir& tree, InsideRequest& request) const {
    const auto fixed = place.is_adopted() ? "" : fixed_file_in(tree);
    if (request.container && !fixed.empty())
      refuse("it runs, and " + printable(fixed) +
             " is shared and immutable, so that no upgrade can replace it: " + "vunify -R it first, or stop it");
    if (request.container) return;
    const auto owner = stat_fd(tree.fd()).uid;
    if (owner != 0) refuse("belongs to user " + std::to_string(owner) + ", its root in a container alone: start it");
    const bool is_for_vcow = place.is_adopted() || asked.root.rules.protect == Protection::cow || !fixed.empty();
    if (is_for_vcow) request.show = vcow_for(place.path, vcow_, options_);
  }

  const VaptOptions& options_;
  std::string vcow_;
};

Options where_of(const VaptOptions& options) {
  Options where;
  where.config = options.config;
  return where;
}

std::vector<AskedGuest> all_of(const HostGuests& host, const VaptOptions& options, bool& are_all) {
  for (const auto& mistake : host.mistakes) complain(printable(place_of(mistake)) + ": " + one_line(mistake.reason));
  are_all = host.mistakes.empty();
  std::vector<AskedGuest> all;
  for (auto& root : roots_of_all(where_of(options), host)) all.push_back({root.name, std::move(root)});
  return all;
}

AskedGuest one_of(const std::string& word, const HostGuests& host, const VaptOptions& options) {
  if (is_directory_word(word)) return {word, {.path = word}};
  const auto& guest = find_named(word, host);
  if (!guest.left_alone.empty()) refuse_guest(word, guest.left_alone);
  GuestRoot root{.path = guest.root, .name = name_among(guest, host.guests), .rules = {.protect = guest.unify.protect}};
  return {word, std::move(root), OffList(options.state_dir).is_off(guest)};
}

}  // namespace

VaptGuests find_vapt_guests(const VaptOptions& options, const std::string& programs) {
  const bool asks_host = options.all || !std::ranges::all_of(options.guests, is_directory_word);
  const auto host = asks_host ? find_host_guests(options.config) : HostGuests();
  VaptGuests found;
  auto asked = options.all ? all_of(host, options, found.are_all) : std::vector<AskedGuest>();
  for (const auto& word : options.guests) asked.push_back(one_of(word, host, options));
  const Preparing preparing(options, programs);
  for (const auto& one : asked) {
    try {
      found.guests.push_back(preparing.prepare(one));
    } catch (const std::exception& error) {
      complain(printable(name_of(one.root)) + ": " + one_line(error.what()));
      found.are_all = false;
    }
  }
  if (!options.all && !found.are_all) throw Failed(Exit::refused, "");
  return found;
}

}  // namespace vunify
