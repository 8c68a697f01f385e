// SPDX-License-Identifier: Apache-2.0
// A socket with a name in a directory (unix(7)), between programs of one host. A message arrives whole or not at all
// (SOCK_SEQPACKET); one has up to most_message bytes, and none is empty.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "sys/fd.h"

namespace vunify {

inline constexpr std::size_t most_message = 128 << 10;

// Others may connect from now on; who may come to the directory decides. One that a dead program left gives way.
Fd listen_at(int dir, const std::string& leaf);
// Waits for the next who connects; nothing once the socket was hung up.
std::optional<Fd> accept_next(int listening);
// Who connected had the host's root in force.
bool is_roots(int connection);

// From here on no call on it waits longer: they throw EAGAIN. Throws ECONNREFUSED and ENOENT where nobody listens.
Fd connect_at(int dir, const std::string& leaf, std::chrono::milliseconds patience);

// Throws EPIPE or ECONNRESET where nobody is there any more, EMSGSIZE for one that is too long.
void send_message(int connection, std::string_view message);
// Waits for the next; nothing once the other side has closed, or ended.
std::optional<std::string> receive_message(int connection);
// False where none came in time, and nobody hung up.
bool has_message(int connection, std::chrono::milliseconds most);

// Any thread: whoever waits on it, or comes to, is told that the other side has closed.
void hang_up(int socket);

}  // namespace vunify
