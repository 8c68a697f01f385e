// SPDX-License-Identifier: Apache-2.0
// Two files compared, byte for byte.
#pragma once

namespace vunify {

// True where both hold the same bytes. Nothing keeps writers off: whoever calls does.
bool same_bytes(int one, int other);

}  // namespace vunify
