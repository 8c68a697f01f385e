// SPDX-License-Identifier: Apache-2.0
#include "unify/outcome.h"

namespace vunify {
namespace {

std::uint64_t sum(const std::vector<GuestOutcome>& guests, std::uint64_t GuestOutcome::*member) {
  std::uint64_t total = 0;
  for (const auto& guest : guests) total += guest.*member;
  return total;
}

}  // namespace

std::uint64_t Outcome::files() const { return sum(guests, &GuestOutcome::files); }
std::uint64_t Outcome::bytes() const { return sum(guests, &GuestOutcome::bytes); }
std::uint64_t Outcome::linked_files() const { return sum(guests, &GuestOutcome::linked_files); }
std::uint64_t Outcome::freed_bytes() const { return sum(guests, &GuestOutcome::freed_bytes); }

SkipCounts Outcome::skipped() const {
  SkipCounts total{};
  for (const auto& guest : guests)
    for (std::size_t reason = 0; reason < total.size(); ++reason) total[reason] += guest.skipped[reason];
  return total;
}

}  // namespace vunify
