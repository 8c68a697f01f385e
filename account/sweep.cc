// SPDX-License-Identifier: Apache-2.0
#include "account/sweep.h"

#include <algorithm>
#include <map>
#include <set>
#include <span>
#include <tuple>

namespace vunify {
namespace {

struct Edge {
  std::uint64_t at = 0;
  std::uint32_t file = 0;
  bool begins = false;
};

// Whose files lie where the sweep is now.
class Active {
 public:
  explicit Active(const HoldersOfFiles& holders) : holders_(holders) {}

  void pass(const Edge& edge) {
    edge.begins ? void(files_.insert(edge.file)) : void(files_.erase(files_.find(edge.file)));
    for (const auto& share : holders_[edge.file]) {
      auto& times = shares_[share];
      times += edge.begins ? 1 : -1;
      if (times == 0) shares_.erase(share);
    }
  }

  void give(std::uint64_t bytes, const Give& give) const {
    if (bytes == 0 || shares_.empty()) return;
    std::vector<Share> holders;
    for (const auto& [share, times] : shares_) holders.push_back(share);
    leave_one_each(holders);
    give(bytes, holders, *files_.begin());
  }

 private:
  const HoldersOfFiles& holders_;
  std::map<Share, int> shares_;
  std::multiset<std::uint32_t> files_;
};

void give_extent(std::span<const Piece> parts, const HoldersOfFiles& holders, const Give& give) {
  std::vector<Share> all;
  std::uint64_t bytes = 0, end = 0;
  for (const auto& part : parts) {
    const auto begin = std::max(part.begin, end);
    if (part.end > begin) bytes += part.end - begin;
    end = std::max(end, part.end);
    all.insert(all.end(), holders[part.file].begin(), holders[part.file].end());
  }
  leave_one_each(all);
  const auto first = std::ranges::min_element(parts, {}, &Piece::file);
  if (!all.empty()) give(bytes, all, first->file);
}

}  // namespace

void sweep_ranges(const std::vector<Piece>& pieces, const HoldersOfFiles& holders, const Give& give) {
  std::vector<Edge> edges;
  edges.reserve(2 * pieces.size());
  for (const auto& piece : pieces) {
    edges.push_back({piece.begin, piece.file, true});
    edges.push_back({piece.end, piece.file, false});
  }
  std::ranges::sort(edges, {}, [](const Edge& edge) { return std::tuple(edge.at, !edge.begins); });
  Active active(holders);
  std::uint64_t at = 0;
  for (const auto& edge : edges) {
    active.give(edge.at - at, give);
    active.pass(edge);
    at = edge.at;
  }
}

void sweep_extents(std::vector<Piece> pieces, const HoldersOfFiles& holders, const Give& give) {
  std::ranges::sort(pieces, {}, [](const Piece& piece) { return std::tuple(piece.extent, piece.begin); });
  for (std::size_t at = 0, end = 0; at < pieces.size(); at = end) {
    while (end < pieces.size() && pieces[end].extent == pieces[at].extent) ++end;
    give_extent(std::span(pieces).subspan(at, end - at), holders, give);
  }
}

}  // namespace vunify
