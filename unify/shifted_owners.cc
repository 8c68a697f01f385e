// SPDX-License-Identifier: Apache-2.0
#include "unify/shifted_owners.h"

#include <numeric>

#include "hashindex/shifted.h"

namespace vunify {

void find_shifted_owners(const std::vector<Guest>& guests, Scan& scan, const std::vector<std::uint32_t>& place,
                         const Stop& stop, Counters& counters, Tally& tally) {
  const auto candidates = find_shifted(scan, place);
  if (candidates.groups.empty()) return;
  const DigestKey key;
  const ProofScene scene{guests, scan, candidates, key, stop, counters};
  ProofRules rules;
  rules.leases = rules.metadata = false;
  Prover prover(scene, rules);
  for (const auto& group : candidates.groups) {
    std::vector<std::uint32_t> inodes(group.count);
    std::iota(inodes.begin(), inodes.end(), group.first);
    const auto proof = prover.prove(inodes);
    for (const auto& proven : proof.classes)
      for (const auto& held : proven)
        judge(scan, candidates.names_of(candidates.inodes[held.inode]), Verdict::shifted_owner);
  }
  tally.read_files += prover.read_files();
  tally.read_bytes += prover.read_bytes();
}

}  // namespace vunify
