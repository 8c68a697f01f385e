// SPDX-License-Identifier: Apache-2.0
#include "sys/background.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/pipe.h"

namespace vunify {
namespace {

Background::Beginning wait_for(int pipe) {
  const auto told = read_all(pipe, "background");
  if (told.empty()) return {255, "ended before it began"};
  return {static_cast<unsigned char>(told[0]), told.substr(1)};
}

}  // namespace

std::optional<Background::Beginning> Background::part() {
  auto [reads, writes] = make_pipe();
  if (check(::fork(), "fork") != 0) {
    { const Fd closed(std::move(writes)); }
    return wait_for(reads.get());
  }
  ::setsid();
  const Fd nothing = open_host("/dev/null", O_RDWR);
  for (int stream = 0; stream <= 2; ++stream) check(::dup2(nothing.get(), stream), "dup2");
  check(::chdir("/"), "chdir", "/");
  parent_ = std::move(writes);
  return std::nullopt;
}

void Background::tell(int code, std::string_view message) {
  if (!parent_) return;
  const Fd parent(std::move(parent_));
  write_all(parent.get(), std::string(1, static_cast<char>(code)).append(message), "background");
}

}  // namespace vunify
