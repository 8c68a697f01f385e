// SPDX-License-Identifier: Apache-2.0
#include "unify/shifted_owners.h"

#include <map>

#include "survey/shifted.h"
#include "unify/prove.h"

namespace vunify {
namespace {

class Search {
 public:
  Search(Survey& survey, const Run& run)
      : survey_(survey),
        run_(run),
        key_(run.key()),
        knowledge_(run.look_up(survey, false)),
        prover_(survey, key_, run.stop, run.counters, {.leases = false}) {}

  void run(Tally& tally) {
    for (std::size_t i = 0; i < survey_.candidates.groups.size(); ++i)
      take(survey_.candidates.groups[i], knowledge_.of_group(i));
    tally.read_files += prover_.read_files();
    tally.read_bytes += prover_.read_bytes();
  }

 private:
  void take(const CandidateGroup& group, std::span<const Known> known) {
    std::map<Digest, std::vector<std::uint32_t>> by_content;
    for (std::uint32_t i = 0; i < group.count; ++i) {
      const bool is_known = !known.empty() && known[i].is_known();
      const auto digest = is_known ? known[i].digest : read(group.first + i);
      if (digest != Digest{}) by_content[digest].push_back(group.first + i);
    }
    for (const auto& [digest, inodes] : by_content)
      if (inodes.size() > 1)
        for (const auto inode : inodes) survey_.judge(inode, Verdict::shifted_owner);
  }

  // Zero where it cannot be read.
  Digest read(std::uint32_t inode) {
    const auto learning = prover_.learn(inode);
    const auto* learnt = std::get_if<Learnt>(&learning);
    if (learnt == nullptr) return {};
    if (run_.learns()) run_.index->learn_private(survey_.guest_number(inode), *learnt);
    return learnt->digest;
  }

  Survey& survey_;
  const Run& run_;
  const DigestKey key_;
  const Knowledge knowledge_;
  Prover prover_;
};

}  // namespace

void find_shifted_owners(const Survey& survey, const Places& places, const Run& run, Tally& tally) {
  Survey shifted{survey.guests, survey.trees, find_shifted(survey.trees, places.where(Sharing::inodes))};
  if (!shifted.candidates.groups.empty()) Search(shifted, run).run(tally);
}

}  // namespace vunify
