// SPDX-License-Identifier: Apache-2.0
// A guest of util-vserver that comes from another host: where its tree is to be, and what its configuration says here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace vunify {

// Of its tree, in the vdirbase. Throws std::invalid_argument, a reason, where name is none for a guest, or a
// configuration of that name is there. config: as host_guests() has it.
std::string place_vserver(const std::string& config, const std::string& name);

// Whether a guest that comes may have this context: a static one (host/vserver.h), and no guest's here by its
// configuration or by the state. From 40000 up the state alone gives them (host/xids.h).
bool is_context_free(std::uint32_t context, const std::string& config, const std::string& state_dir);

// CONFIG/NAME with `name`, `vdir` and, where there is one, `context`: complete when it appears. Throws EEXIST where
// somebody made one meanwhile, and then nothing is left of it.
void add_vserver(const std::string& config, const std::string& name, const std::string& root,
                 std::optional<std::uint32_t> context);

}  // namespace vunify
