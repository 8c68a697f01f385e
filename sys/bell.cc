// SPDX-License-Identifier: Apache-2.0
#include "sys/bell.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <climits>

#include "sys/fd.h"

namespace vunify {
namespace {

constexpr std::size_t bytes = 4096;

Fd open_reserved(const std::string& path) {
  Fd file = open_host(path, O_RDWR | O_CREAT | O_NOFOLLOW);
  reserve(file.get(), bytes, path);
  return file;
}

timespec until(std::chrono::nanoseconds most) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(most);
  return {seconds.count(), (most - seconds).count()};
}

}  // namespace

Bell::Bell(const std::string& path) : file_(open_reserved(path).get(), bytes) {}

std::uint32_t Bell::rung() const { return std::atomic_ref(*number()).load(); }

void Bell::ring() const {
  ++std::atomic_ref(*number());
  ::syscall(SYS_futex, number(), FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

bool Bell::wait(std::uint32_t rung_before, std::chrono::nanoseconds most) const {
  const auto end = std::chrono::steady_clock::now() + most;
  while (rung() == rung_before) {
    const auto left = end - std::chrono::steady_clock::now();
    if (left <= left.zero()) return false;
    const auto time = until(left);
    ::syscall(SYS_futex, number(), FUTEX_WAIT, rung_before, &time, nullptr, 0);
  }
  return true;
}

}  // namespace vunify
