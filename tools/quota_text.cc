// SPDX-License-Identifier: Apache-2.0
// As repquota(8) tells it: "+-" is who has reached his limit of space, "-+" of inodes.
#include <fmt/format.h>

#include <algorithm>

#include "tools/quota.h"
#include "tools/table.h"
#include "tools/text.h"

namespace vunify {
namespace {

const char* word_of(Whose::Kind kind) { return kind == Whose::Kind::user ? "user" : "group"; }

char sign_of(std::uint64_t used, std::uint64_t limit) { return limit != no_limit && used >= limit ? '+' : '-'; }

std::vector<std::string> row_of(const Quota& quota) {
  const auto name = quota.name ? printable(*quota.name) : "#" + std::to_string(quota.whose.id);
  const auto& [used, limit] = std::tie(quota.used, quota.limit);
  return {name,
          {sign_of(used.space, limit.space), sign_of(used.inodes, limit.inodes)},
          format_bytes(used.space),
          limit.space == no_limit ? "-" : format_bytes(limit.space),
          format_count(used.inodes),
          limit.inodes == no_limit ? "-" : format_count(limit.inodes)};
}

std::string how_known(const Quotas& quotas) {
  const bool is_limited = std::ranges::any_of(quotas.all, [](const Quota& one) {
    return one.limit != Amount{no_limit, no_limit};
  });
  std::string text = quotas.is_of_ledger ? "as the ledger has it" : "counted just now";
  text += quotas.count == Count::exclusive ? "; shared inodes count for nobody" : "; shared inodes count, too";
  if (is_limited && !quotas.is_enforced) text += "; limits hold once vcow shows the guest";
  return text;
}

}  // namespace

std::string to_text(const Quotas& quotas, const std::vector<Whose::Kind>& kinds) {
  std::string text;
  for (const auto kind : kinds) {
    text += fmt::format("{}*** {} quotas of {}: {}\n", text.empty() ? "" : "\n", word_of(kind), printable(quotas.guest),
                        how_known(quotas));
    std::vector<std::vector<std::string>> rows = {
        {kind == Whose::Kind::user ? "USER" : "GROUP", "", "USED", "LIMIT", "INODES", "LIMIT"}};
    for (const auto& quota : quotas.all)
      if (quota.whose.kind == kind) rows.push_back(row_of(quota));
    text += table_of(rows);
  }
  return text;
}

}  // namespace vunify
