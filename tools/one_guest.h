// SPDX-License-Identifier: Apache-2.0
// One guest, or one that is to be, as a command line names it: a word with a slash is a directory, any other a name.
#pragma once

#include <string>
#include <vector>

#include "guest/guest.h"
#include "host/host_guest.h"
#include "tools/options.h"

namespace vunify {

// Throws Failed{refused, "named: reason"}.
[[noreturn]] void refuse_guest(const std::string& named, const std::string& reason);

// Of this host, as find_named() (tools/choose.h) has it. config: as host_guests() has it. Throws Failed, besides, where
// its files are left alone.
HostGuest find_host_guest(const std::string& name, const std::string& config);

// Of all guests that this host's configuration tells of.
std::vector<std::string> guest_roots_of(const std::string& config);

// Of a guest of `host`, where the word is the name of one, or of a directory, which need not be there where it has a
// slash. As an admin may write either. Throws Failed{usage} where it is neither.
std::string root_named(const std::string& word, const HostGuests& host);
std::string root_named(const std::string& word, const std::string& config);  // which a word with a slash does not ask

// Opens its root; throws Failed{refused} where it will not do (guest/guest.h).
Guest open_guest(const std::string& root);

// Of a directory that need not be there: absolute, without symlinks on the way, which are the host's own. Throws
// Failed{usage} where the one that it is to be in is not there.
std::string resolve_new(const std::string& named);

}  // namespace vunify
