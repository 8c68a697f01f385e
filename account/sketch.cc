// SPDX-License-Identifier: Apache-2.0
#include "account/sketch.h"

#include <algorithm>
#include <cmath>

namespace vunify {
namespace {

// Its size divided by its number in (0, 1): the inverse of its rank.
double priority(const HashedContent& content) {
  return static_cast<double>(content.bytes) / std::ldexp(static_cast<double>(content.hash) + 0.5, -64);
}

// What a content of both stands for; nothing where one of them may have left it out.
double stands_for(double bytes, double its_priority, double least) {
  return its_priority > least ? std::max(bytes, least) : 0;
}

// Of those contents of a that b has, or has not.
Estimate estimate(const Sketch& a, const Sketch& b, bool in_both) {
  const double least = std::max(a.least(), b.least());
  double bytes = 0, variance = 0;
  auto other = b.kept().begin();
  for (const auto& content : a.kept()) {
    while (other != b.kept().end() && other->hash < content.hash) ++other;
    const bool is_there = other != b.kept().end() && other->hash == content.hash;
    if (is_there != in_both || priority(content) <= least) continue;
    const auto size = static_cast<double>(content.bytes);
    bytes += std::max(size, least);
    variance += least * std::max(0.0, least - size);
  }
  // What was kept of neither may be of this kind, also where nothing that was kept is.
  return {bytes, std::sqrt(std::max(variance, least * least))};
}

}  // namespace

Sketch::Sketch(std::vector<HashedContent> contents, std::size_t size, double least)
    : kept_(std::move(contents)), least_(least) {
  std::ranges::sort(kept_, {}, &HashedContent::hash);
  const auto is_same = [](const HashedContent& one, const HashedContent& other) { return one.hash == other.hash; };
  kept_.erase(std::unique(kept_.begin(), kept_.end(), is_same), kept_.end());
  if (kept_.size() <= size) return;
  const auto first_left_out = kept_.begin() + static_cast<std::ptrdiff_t>(size);
  std::ranges::nth_element(kept_, first_left_out, std::greater{}, priority);
  least_ = std::max(least_, priority(*first_left_out));
  kept_.erase(first_left_out, kept_.end());
  std::ranges::sort(kept_, {}, &HashedContent::hash);
}

Estimate estimate_shared(const Sketch& a, const Sketch& b) { return estimate(a, b, true); }
Estimate estimate_missing(const Sketch& a, const Sketch& b) { return estimate(a, b, false); }

Neighbours::Neighbours(std::vector<Sketch> sketches) : sketches_(std::move(sketches)) {
  for (std::uint32_t guest = 0; guest < sketches_.size(); ++guest)
    for (const auto& content : sketches_[guest].kept()) holders_[content.hash].push_back(guest);
}

std::vector<Neighbour> Neighbours::of(std::size_t guest, std::size_t most) const {
  std::vector<Neighbour> found;
  for (std::size_t other = 0; other < sketches_.size(); ++other) found.push_back({other, 0});
  const double least = sketches_[guest].least();
  for (const auto& content : sketches_[guest].kept()) {
    const double bytes = static_cast<double>(content.bytes), its_priority = priority(content);
    for (const auto other : holders_.at(content.hash))
      found[other].bytes += stands_for(bytes, its_priority, std::max(least, sketches_[other].least()));
  }
  std::erase_if(found, [guest](const Neighbour& each) { return each.guest == guest || each.bytes == 0; });
  const auto end = found.begin() + static_cast<std::ptrdiff_t>(std::min(most, found.size()));
  std::ranges::partial_sort(found, end, std::greater{}, &Neighbour::bytes);
  found.erase(end, found.end());
  return found;
}

}  // namespace vunify
