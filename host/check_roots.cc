// SPDX-License-Identifier: Apache-2.0
#include "host/check_roots.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "host/config_file.h"
#include "host/look_at_root.h"
#include "sys/beneath.h"

namespace vunify {
namespace {

std::string id_of(const HostGuest& guest) { return guest.provider + ":" + guest.name; }

// All of them, beside each other.
class Guests {
 public:
  Guests(Told told, const std::string& config) : looking_(config) {
    result_.mistakes = std::move(told.mistakes);
    for (auto& one : told.guests) look(std::move(one));
  }

  HostGuests check() && {
    for (auto& one : looked_) take(one);
    std::ranges::stable_sort(result_.guests, {}, &HostGuest::name);
    return std::move(result_);
  }

 private:
  using DirectoryId = std::pair<std::uint64_t, std::uint64_t>;

  void look(ToldGuest told) {
    for (const auto& layer : told.layers) layers_.insert(resolved(layer));
    try {
      auto one = looking_.open(std::move(told));
      add_root(one);
      looking_.check(one);
      looked_.push_back(std::move(one));
    } catch (const Misconfigured& error) {
      result_.mistakes.push_back(error.mistake);
    }
  }

  // Also of one that is left alone, or turns out to be a mistake: its tree is no less a guest's.
  void add_root(const Looked& one) {
    const auto& path = one.guest().root;
    if (!path.empty()) roots_.emplace(one.root ? path : resolved(path), id_of(one.guest()));
    if (one.root) roots_.emplace(one.root->place.root, id_of(one.guest()));
  }

  void take(Looked& one) {
    try {
      if (one.root) {
        expect_outside_others(one);
        leave_layers_alone(one);
        if (is_known(one)) return;
      }
      result_.guests.push_back(std::move(one.guest()));
    } catch (const Misconfigured& error) {
      result_.mistakes.push_back(error.mistake);
    }
  }

  void expect_outside_others(const Looked& one) const {
    for (const auto& directory : one.root->way.through)
      if (const auto other = roots_.find(directory); other != roots_.end() && directory != one.guest().root)
        object(one.told, "is in the tree of " + other->second);
  }

  void leave_layers_alone(Looked& one) const {
    const auto& path = one.root->place.path;
    for (const auto& layer : layers_)
      if (is_or_is_beneath(layer, path) || is_beneath(path, layer)) one.guest().left_alone = reason::overlay;
  }

  // The one that is known by this root hears of the other's name.
  bool is_known(const Looked& one) {
    const DirectoryId root{one.root->inode.dev, one.root->inode.ino};
    const auto [known, is_new] = by_root_.emplace(root, result_.guests.size());
    if (is_new) return false;
    auto& first = result_.guests[known->second];
    const auto id = id_of(one.guest());
    if (id != id_of(first)) first.also_known.push_back(id);
    return true;
  }

  Looking looking_;
  std::vector<Looked> looked_;
  std::map<std::string, std::string> roots_;  // whose they are, "provider:name"
  std::set<std::string> layers_;
  std::map<DirectoryId, std::size_t> by_root_;  // index into the result's guests
  HostGuests result_;
};

}  // namespace

HostGuests check_roots(Told told, const std::string& config) { return Guests(std::move(told), config).check(); }

}  // namespace vunify
