// SPDX-License-Identifier: Apache-2.0
// Where a daemon says what nobody is there to be told: the journal (sys/system_log), or a file. Not more than a few
// lines a minute: a guest can make as many errors as it likes.
#pragma once

#include <string>
#include <string_view>

namespace vunify {

// From here on into this file; opened before the sandbox is entered.
void log_into(const std::string& path);
// Or the journal, likewise.
void open_log();
// That is open for it; -1 for none.
int log_descriptor();

// Any thread; never throws.
void tell(std::string_view message) noexcept;

}  // namespace vunify
