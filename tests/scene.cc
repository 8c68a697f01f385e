// SPDX-License-Identifier: Apache-2.0
#include "tests/scene.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "survey/hard_links.h"

namespace vunify::test {

Scene::Scene(const Scratch& dir, const Names& guest_names, const GroupRules& rules,
             std::vector<std::uint32_t> places_of_guests)
    : place_of(std::move(places_of_guests)) {
  Names roots;
  for (const auto& guest : guest_names) roots.push_back(dir / guest);
  auto opened = open_guests(roots);
  for (const auto& refusal : opened.refused) throw std::runtime_error(refusal.path + ": " + refusal.reason);
  guests = std::move(opened.guests);
  if (place_of.empty()) place_of.assign(guests.size(), 0);
  scan = scan_guests(guests, {}, stop, counters);
  judge_hard_links(scan.trees, {place_of, std::vector<bool>(guests.size(), !rules.metadata)});
  candidates = find_candidates(scan.trees, place_of, rules);
}

std::string Scene::name(NameRef name) const {
  return guests[name.guest].name + "/" + scan.trees[name.guest].path(name.file);
}

std::string Scene::name(std::uint32_t inode) const {
  return name(candidates.names_of(candidates.inodes[inode]).front());
}

NameRef Scene::find(const std::string& wanted) const {
  for (std::uint32_t guest = 0; guest < guests.size(); ++guest)
    for (std::uint32_t file = 0; file < scan.trees[guest].files().size(); ++file)
      if (name(NameRef{guest, file}) == wanted) return {guest, file};
  throw std::out_of_range("no file " + wanted);
}

const File& Scene::file(const std::string& wanted) const {
  const auto found = find(wanted);
  return scan.trees[found.guest].file(found.file);
}

std::uint32_t Scene::inode(const std::string& wanted) const {
  for (std::uint32_t i = 0; i < candidates.inodes.size(); ++i)
    for (const auto ref : candidates.names_of(candidates.inodes[i]))
      if (name(ref) == wanted) return i;
  throw std::out_of_range("no candidate " + wanted);
}

std::vector<std::uint32_t> Scene::inodes(const CandidateGroup& group) const {
  std::vector<std::uint32_t> all(group.count);
  std::iota(all.begin(), all.end(), group.first);
  return all;
}

Names Scene::names(const std::vector<std::uint32_t>& inodes) const {
  Names all;
  for (const auto inode : inodes) all.push_back(name(inode));
  std::ranges::sort(all);
  return all;
}

std::vector<Names> Scene::groups() const {
  std::vector<Names> all;
  for (const auto& group : candidates.groups) all.push_back(names(inodes(group)));
  return all;
}

std::vector<Guest>& under(std::optional<Protection> protect, std::vector<Guest>& guests) {
  for (auto& guest : guests) guest.rules.protect = protect;
  return guests;
}

std::vector<Guest>& excluding(const std::string& rules, std::vector<Guest>& guests) {
  const auto list = std::make_shared<ExcludeList>();
  list->add(rules, "test");
  for (auto& guest : guests) guest.rules.exclude = list;
  return guests;
}

LinkRequest link_request(const Scene& scene, ProvenClass& proven) {
  LinkRequest request;
  request.protection = by_flag();
  for (auto& member : proven.members) {
    const auto name = scene.survey.guest_name(scene.survey.names_of(member.inode).front());
    if (scene.name(member.inode)[0] == 'a') {
      request.keeper_id = scene.survey.id_of(member.inode);
      request.keeper_name = name;
      request.keeper = std::move(member.held);
    } else {
      request.victims.push_back({std::move(member.held), {name}});
    }
  }
  // Inode numbers come in any order, guests do not.
  std::ranges::sort(request.victims, {}, [](const Victim& victim) { return victim.names.front().root->host_path(); });
  return request;
}

LinkRequest fresh_request(const Scene& scene, ProvenClass& proven) {
  auto request = link_request(scene, proven);
  auto fresh = proven.copied.copy.value().finish(request.keeper);
  request.victims.insert(request.victims.begin(), {std::move(request.keeper), {request.keeper_name}});
  request.keeper = std::move(fresh);
  request.keeper_id.ino = request.keeper.seen.ino;
  request.is_fresh = true;
  return request;
}

}  // namespace vunify::test
