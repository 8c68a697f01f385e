// SPDX-License-Identifier: Apache-2.0
// A line for a log whose daemon comes and goes.
#include "sys/system_log.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "tests/scratch.h"

namespace vunify::test {
namespace {

Fd listen_to(const std::string& path) {
  Fd socket(check(::socket(AF_UNIX, SOCK_DGRAM, 0), "socket"));
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  check(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), "bind", path);
  return socket;
}

TEST(SystemLog, TakesLinesAgainBySameNumberWhenItsDaemonIsBack) {
  const Scratch dir;
  const Fd log = open_system_log();
  const auto path = dir / "log";
  EXPECT_FALSE(log_warning(log.get(), "vcow", "nobody hears it", path.c_str()));
  for (int i = 0; i < 2; ++i) {
    const Fd daemon = listen_to(path);
    ASSERT_TRUE(log_warning(log.get(), "vcow", "heard", path.c_str()));
    std::array<char, 100> line{};
    read_some(daemon.get(), line, path);
    EXPECT_EQ(line.data(), "<28>vcow[" + std::to_string(::getpid()) + "]: heard");
    ::unlink(path.c_str());
  }
}

}  // namespace
}  // namespace vunify::test
