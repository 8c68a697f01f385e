// SPDX-License-Identifier: Apache-2.0
// vunify --list: which guests are on this host, and what would be done with each. As text for people and as JSON for
// programs; who gathers it is told in tools/vunify.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vunify {

// One guest. Names are as they are on disk; sentences are ready for a terminal.
struct ListedGuest {
  std::string provider;
  std::string name;
  std::string root{};  // empty: it has none that could be named
  std::optional<std::uint32_t> xid{};
  bool is_running = false;
  bool is_off = false;                    // by vunify -R
  std::string protection{};               // "reflink", "iunlink", ...; empty: not to be known
  std::string protection_reason{};        // why this one, or why none
  std::string left_alone{};               // why nothing of it is shared; empty: it is
  std::string no_links{};                 // why its data may be shared, its inodes not
  std::vector<std::string> also_known{};  // as "provider:name"
};

// A table, and below a guest's line why it is otherwise than the others.
std::string list_text(const std::vector<ListedGuest>& guests);
// One object on one line, with a newline. Names that are no UTF-8 stand base64 under "name_base64" and the like. Keys
// are only ever added; "schema" counts what is not just added.
std::string list_json(const std::vector<ListedGuest>& guests);

}  // namespace vunify
