// SPDX-License-Identifier: Apache-2.0
#include "change/break_links.h"

#include <thread>

#include "change/open_all.h"
#include "change/worker_directory.h"

namespace vunify {
namespace {

constexpr auto directory = "copy";  // in staging
constexpr std::size_t batch_names = 256;

}  // namespace

std::vector<JournaledSet> LinkBreaker::journaled(const std::vector<LinkBreak>& breaks) const {
  std::vector<JournaledSet> sets;
  const auto fs = to_string(fs_id(staging_));
  for (const auto& one : breaks) sets.push_back(one.journaled(staging_path_, fs));
  return sets;
}

void LinkBreaker::run_batch(std::span<const BreakRequest> requests, const std::function<bool()>& stop,
                            std::vector<BreakResult>& results) {
  std::vector<LinkBreak> breaks;
  const auto where = make_worker_directory(staging_, directory);
  for (const auto& request : requests) {
    std::vector<StagedName> staged;
    for (std::size_t n = 0; n < request.names.size(); ++n)
      staged.push_back({staging_, join_path(where, leaves_.next())});
    breaks.emplace_back(request, std::move(staged));
  }
  open_all(breaks);
  journal_.begin(journaled(breaks));
  for (auto& one : breaks)
    if (!stop()) one.copy();
  sync_filesystem(staging_, staging_path_);
  journal_.amend(journaled(breaks));
  for (auto& one : breaks) one.exchange();
  std::this_thread::sleep_for(Lease::linger);
  bool clear = true;
  for (auto& one : breaks) {
    results.push_back(one.finish());
    auto& result = results.back();
    clear &= result.kept.empty();
    for (const auto& leaf : result.kept)
      result.reason = staging_path_ + "/" + leaf + " is left: it is not the file that was planned for";
  }
  if (!clear) return journal_.set_aside();
  sync_filesystem(staging_, staging_path_);  // a power cut may not leave half of it and no journal
  journal_.end();
}

std::vector<BreakResult> LinkBreaker::run(const std::vector<BreakRequest>& requests,
                                          const std::function<bool()>& stop) {
  std::vector<BreakResult> results;
  for (std::size_t from = 0; from < requests.size() && !stop();) {
    auto to = from;
    for (std::size_t names = 0; to < requests.size() && names < batch_names; ++to) names += requests[to].names.size();
    run_batch(std::span(requests).subspan(from, to - from), stop, results);
    from = to;
  }
  results.resize(requests.size());
  return results;
}

}  // namespace vunify
