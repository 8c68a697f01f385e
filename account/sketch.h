// SPDX-License-Identifier: Apache-2.0
// What a guest holds, in 16 KiB: so many of its contents that two sketches tell how many bytes two guests have in
// common. A priority sample: of each content the hash, taken for a number in (0, 1), divided by its size, is its rank,
// and the k smallest stay. Large contents nearly always do, and what one sketch keeps of what both hold, so does the
// other. (Duffield, Lund, Thorup: Priority sampling for estimation of arbitrary subset sums.)
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace vunify {

struct HashedContent {
  std::uint64_t hash = 0;  // the same for the same bytes wherever they are, and else as good as random
  std::uint64_t bytes = 0;
};

class Sketch {
 public:
  static constexpr std::size_t usual_size = 1024;  // two guests' common bytes to 2 %, 7 % in the worst of 20 pairs

  // A content that is there twice is one. least: of the sketch that some of them are from, if any; with what comes to
  // it they make the sketch of all.
  explicit Sketch(std::vector<HashedContent> contents, std::size_t size = usual_size, double least = 0);

  std::span<const HashedContent> kept() const& { return kept_; }  // by hash
  // What each kept content stands for at the least: itself, and smaller ones that were not kept. Zero: all were kept.
  double least() const { return least_; }
  // The first `size` of it: those of the lowest rank, as a smaller sketch has them.
  Sketch smaller(std::size_t size) const { return Sketch(kept_, size, least_); }

 private:
  std::vector<HashedContent> kept_;
  double least_ = 0;
};

struct Estimate {
  double bytes = 0;
  double deviation = 0;  // standard; itself an estimate. Zero: all was compared, and it is exact
};

// About as many bytes as both hold.
Estimate estimate_shared(const Sketch& a, const Sketch& b);
// That a holds and b does not.
Estimate estimate_missing(const Sketch& a, const Sketch& b);
inline double shared_bytes(const Sketch& a, const Sketch& b) { return estimate_shared(a, b).bytes; }

struct Neighbour {
  std::size_t guest = 0;  // which of the sketches
  double bytes = 0;       // in common, about
};

// Whose contents are alike, of many guests: found by who holds a content, not by comparing all with all.
class Neighbours {
 public:
  explicit Neighbours(std::vector<Sketch> sketches);

  // Those that have most in common with it, most first; without those that have nothing. From any thread.
  std::vector<Neighbour> of(std::size_t guest, std::size_t most) const;

 private:
  std::vector<Sketch> sketches_;
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> holders_;  // of a content
};

}  // namespace vunify
