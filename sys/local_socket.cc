// SPDX-License-Identifier: Apache-2.0
#include "sys/local_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

#include "sys/directory.h"

namespace vunify {
namespace {

constexpr int most_waiting = 64;

// sun_path is short: it takes the way through the directory's descriptor.
sockaddr_un address_at(int dir, const std::string& leaf) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto path = proc_path(dir) + "/" + leaf;
  if (path.size() >= sizeof address.sun_path) throw std::system_error(ENAMETOOLONG, std::generic_category(), leaf);
  path.copy(address.sun_path, path.size());
  return address;
}

Fd make_socket() { return Fd(check(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), "socket")); }

const sockaddr* generic(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

void set_patience(int fd, std::chrono::milliseconds patience) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(patience);
  const timeval most{seconds.count(), std::chrono::microseconds(patience - seconds).count()};
  for (const int way : {SO_RCVTIMEO, SO_SNDTIMEO})
    check(::setsockopt(fd, SOL_SOCKET, way, &most, sizeof most), "setsockopt");
}

void remove_socket(int dir, const std::string& leaf) {
  try {
    remove_name(dir, leaf);
  } catch (const std::system_error& error) {
    if (!is_error(error, ENOENT)) throw;
  }
}

}  // namespace

Fd listen_at(int dir, const std::string& leaf) {
  auto listening = make_socket();
  const auto address = address_at(dir, leaf);
  remove_socket(dir, leaf);
  check(::bind(listening.get(), generic(address), sizeof address), "bind", leaf);
  check(::fchmodat(dir, leaf.c_str(), 0600, 0), "fchmodat", leaf);
  check(::listen(listening.get(), most_waiting), "listen", leaf);
  return listening;
}

std::optional<Fd> accept_next(int listening) {
  while (true) {
    const int connection = ::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection >= 0) return Fd(connection);
    if (errno == EINVAL) return std::nullopt;
    if (errno != EINTR && errno != ECONNABORTED) throw_errno("accept4");
  }
}

bool is_roots(int connection) {
  ucred who{};
  socklen_t size = sizeof who;
  check(::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &who, &size), "getsockopt");
  return who.uid == 0;
}

Fd connect_at(int dir, const std::string& leaf, std::chrono::milliseconds patience) {
  auto connection = make_socket();
  set_patience(connection.get(), patience);
  const auto address = address_at(dir, leaf);
  check(::connect(connection.get(), generic(address), sizeof address), "connect", leaf);
  return connection;
}

void send_message(int connection, std::string_view message) {
  if (message.size() > most_message) throw std::system_error(EMSGSIZE, std::generic_category(), "send");
  check(::send(connection, message.data(), message.size(), MSG_NOSIGNAL), "send");
}

std::optional<std::string> receive_message(int connection) {
  std::string message(most_message, '\0');
  const auto got = ::recv(connection, message.data(), message.size(), 0);
  if (got == 0 || (got < 0 && errno == ECONNRESET)) return std::nullopt;
  message.resize(static_cast<std::size_t>(check(got, "recv")));
  return message;
}

bool has_message(int connection, std::chrono::milliseconds most) {
  pollfd one{connection, POLLIN, 0};
  return check(::poll(&one, 1, static_cast<int>(most.count())), "poll") != 0;
}

void hang_up(int socket) { ::shutdown(socket, SHUT_RDWR); }

}  // namespace vunify
