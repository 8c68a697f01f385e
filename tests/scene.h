// SPDX-License-Identifier: Apache-2.0
// Guests of a scratch directory as a run has them in hand: opened, walked, grouped. A file is told by guest and path,
// "a/etc/passwd".
#pragma once

#include <map>
#include <string>
#include <vector>

#include "change/keeper_link.h"
#include "survey/scan.h"
#include "survey/survey.h"
#include "tests/scratch.h"
#include "unify/place.h"
#include "unify/prove.h"
#include "unify/run.h"

namespace vunify::test {

using Names = std::vector<std::string>;

struct Scene {
  // dir/a, dir/b, ... as guests, all in one place unless told otherwise.
  Scene(const Scratch& dir, const Names& guest_names, const GroupRules& rules = {},
        std::vector<std::uint32_t> places_of_guests = {});
  Scene(const Scene&) = delete;

  std::string name(NameRef name) const;
  std::string name(std::uint32_t inode) const;  // the first one
  std::uint32_t inode(const std::string& name) const;
  const File& file(const std::string& name) const;
  Verdict verdict(const std::string& name) const { return file(name).verdict; }
  std::vector<Names> groups() const;                            // first names of their inodes
  Names names(const std::vector<std::uint32_t>& inodes) const;  // first names, sorted
  std::vector<std::uint32_t> inodes(const CandidateGroup& group) const;

  Run run() { return {.stop = stop, .counters = counters}; }
  Prover prover(const ProofRules& rules = {}) { return {survey, key, stop, counters, rules}; }

  std::vector<Guest> guests;
  Stop stop;
  Counters counters;
  Scan scan;
  std::vector<std::uint32_t> place_of;
  Survey survey{guests, scan.trees, {}};
  Candidates& candidates = survey.candidates;
  DigestKey key;

 private:
  NameRef find(const std::string& name) const;
};

// The same guests, to be protected so; or with these paths excluded, a rule a line.
std::vector<Guest>& under(std::optional<Protection> protect, std::vector<Guest>& guests);
std::vector<Guest>& excluding(const std::string& rules, std::vector<Guest>& guests);

// What is to be done with a class of guests "a", "b", ...: a's inode is the keeper.
LinkRequest link_request(const Scene& scene, ProvenClass& proven);
// The same, but all are led to the copy that the proof made.
LinkRequest fresh_request(const Scene& scene, ProvenClass& proven);

}  // namespace vunify::test
