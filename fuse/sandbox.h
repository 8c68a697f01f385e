// SPDX-License-Identifier: Apache-2.0
// What the daemon may still do once the mount stands, and a bug in it therefore could: the capabilities and the system
// calls that serving takes, and no others. It executes no program, opens no socket but those that come to it, and
// signals or traces nobody else.
#pragma once

namespace vunify {

// For this thread and those that it starts, for good. Throws std::system_error.
void enter_sandbox();

}  // namespace vunify
