// SPDX-License-Identifier: Apache-2.0
#include "unify/shifted_owners.h"

#include <map>

#include "survey/shifted.h"

namespace vunify {
namespace {

class Search {
 public:
  Search(const std::vector<Guest>& guests, Scan& scan, const Candidates& candidates, const LinkRules& rules,
         const Stop& stop, Counters& counters)
      : scan_(scan),
        candidates_(candidates),
        index_(rules.index),
        learns_(rules.learns()),
        key_(rules.key()),
        knowledge_(rules.look_up(scan, candidates)),
        scene_{guests, scan, candidates, key_, stop, counters},
        prover_(scene_, proof_rules()) {}

  void run(Tally& tally) {
    for (std::size_t i = 0; i < candidates_.groups.size(); ++i) take(candidates_.groups[i], knowledge_.of_group(i));
    tally.read_files += prover_.read_files();
    tally.read_bytes += prover_.read_bytes();
  }

 private:
  static ProofRules proof_rules() {
    ProofRules rules;
    rules.leases = false;
    return rules;
  }

  void take(const CandidateGroup& group, std::span<const Known> known) {
    std::map<Digest, std::vector<std::uint32_t>> by_content;
    for (std::uint32_t i = 0; i < group.count; ++i) {
      const bool is_known = !known.empty() && known[i].is_known();
      const auto digest = is_known ? known[i].digest : read(group.first + i);
      if (digest != Digest{}) by_content[digest].push_back(group.first + i);
    }
    for (const auto& [digest, inodes] : by_content)
      if (inodes.size() > 1) judge_all(inodes);
  }

  void judge_all(const std::vector<std::uint32_t>& inodes) {
    for (const auto inode : inodes)
      judge(scan_, candidates_.names_of(candidates_.inodes[inode]), Verdict::shifted_owner);
  }

  // Zero where it cannot be read.
  Digest read(std::uint32_t inode) {
    std::vector<LeftAlone> left;
    const auto learnt = prover_.learn(inode, left);
    if (!learnt) return {};
    if (learns_) index_->learn_private(candidates_.guest_of(inode), *learnt);
    return learnt->digest;
  }

  Scan& scan_;
  const Candidates& candidates_;
  Index* index_;
  bool learns_;
  const DigestKey key_;
  const Knowledge knowledge_;
  ProofScene scene_;
  Prover prover_;
};

}  // namespace

void find_shifted_owners(const std::vector<Guest>& guests, Scan& scan, const std::vector<std::uint32_t>& place,
                         const LinkRules& rules, const Stop& stop, Counters& counters, Tally& tally) {
  const auto candidates = find_shifted(scan, place);
  if (!candidates.groups.empty()) Search(guests, scan, candidates, rules, stop, counters).run(tally);
}

}  // namespace vunify
