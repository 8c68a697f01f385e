// SPDX-License-Identifier: Apache-2.0
#include "fuse/served.h"

#include "sys/mark.h"

namespace vunify {
namespace {

// A file with one name is nobody else's, as far as it shows: whose it is is asked when it is opened or changed.
Owner owner_by_look(At at, const struct stat& seen) {
  if (!S_ISREG(seen.st_mode) || seen.st_nlink < 2) return Owner::unknown;
  return mark_at(at.dir, at.leaf, {}) == Mark::none ? Owner::guest : Owner::shared;
}

}  // namespace

struct stat shown(const Node& node, struct stat seen) {
  seen.st_ino = node.shown;
  if (node.owner == Owner::shared) seen.st_nlink = node.has_name() ? 1 : 0;
  return seen;
}

// Stores through a map move the times without a word; a detached node is what another has become.
double lasting(const Node& node) { return node.was_opened_rw || node.is_detached ? 0 : for_good; }

int error_told(const Served& served, const std::system_error& error) {
  return served.births.is_tagging() && is_error(error, EDQUOT) ? ENOSPC : error.code().value();
}

bool is_hidden(const Served& served, NodeId directory, std::string_view name) {
  if (directory == root_node && !served.source.hidden.empty() && name == served.source.hidden) return true;
  return served.nodes.at(directory).is_island && name != "." && name != "..";
}

void expect_visible(const Served& served, NodeId directory, std::string_view name) {
  if (is_hidden(served, directory, name)) throw std::system_error(EPERM, std::generic_category(), std::string(name));
}

fuse_entry_param entry_of(Served& served, NodeId id, const struct stat& seen) {
  const auto node = served.nodes.at(id);
  fuse_entry_param entry{};
  entry.ino = id;
  entry.generation = node.generation;
  entry.attr = shown(node, seen);
  entry.attr_timeout = lasting(node);
  entry.entry_timeout = for_good;
  return entry;
}

NodeId enter(Served& served, NodeId directory, const char* name, fuse_entry_param& entry) {
  const auto address = served.addresses.of(directory, name);
  const auto no_break = served.held_names.look(directory, name);
  const auto seen = find_at(address.at());
  if (!seen) return 0;
  const auto id = served.nodes.enter(directory, name, *seen, owner_by_look(address.at(), *seen));
  if (served.islands.has(*seen)) served.nodes.set_island(id);
  entry = entry_of(served, id, *seen);
  return id;
}

void reply_entry(Served& served, fuse_req_t request, NodeId directory, const char* name) {
  fuse_entry_param entry{};
  const auto id = enter(served, directory, name, entry);
  if (id == 0) throw std::system_error(ESTALE, std::generic_category(), name);
  if (fuse_reply_entry(request, &entry) == -ENOENT) served.nodes.forget(id, 1);
}

GivenUp given_up(fuse_req_t request) {
  return [request] { return fuse_req_interrupted(request) != 0; };
}

}  // namespace vunify
