// SPDX-License-Identifier: Apache-2.0
#include "unify/parting.h"

#include "change/break_links.h"

namespace vunify {
namespace {

std::vector<BreakResult> plan(const std::vector<Parting>& partings) {
  std::vector<BreakResult> planned;
  for (const auto& [request, names, bytes] : partings)
    planned.push_back({.copied = names.size(), .copies = copies_of(request).size()});
  return planned;
}

}  // namespace

void add_parting(const Survey& survey, const Places& places, std::span<const NameRef> names, bool together,
                 Partings& partings) {
  const auto first = names.front();
  const auto& file = survey.file(first);
  BreakRequest request{
      .names = {}, .inode = {survey.guest(first).fs, file.ino}, .links = file.nlink, .together = together};
  for (const auto name : names) request.names.push_back(survey.guest_name(name));
  partings[places.number_of(first.guest)].push_back({std::move(request), names, file.bytes_on_disk()});
}

std::vector<BreakResult> part(const Place& place, const std::vector<Parting>& partings, const Run& run) {
  if (run.dry_run) return plan(partings);
  std::vector<BreakRequest> requests;
  for (const auto& parting : partings) requests.push_back(parting.request);
  if (place.staging == nullptr)
    return std::vector<BreakResult>(requests.size(), BreakResult{.reason = place.no_staging});
  Journal journal(run.state_dir, "break");
  return LinkBreaker(journal, place.staging->fd(), place.staging->path()).run(requests, [&] {
    return run.stop.requested();
  });
}

}  // namespace vunify
