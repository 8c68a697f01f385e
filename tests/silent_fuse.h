// SPDX-License-Identifier: Apache-2.0
// A filesystem as a guest, or a user beside it, may mount one, on a directory or on a file: whoever asks for its
// attributes waits for ever, or is turned away where it is another user's.
#pragma once

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>

#include "sys/fd.h"

namespace vunify::test {

class SilentFuse {
 public:
  explicit SilentFuse(const std::string& point, unsigned owner = 0)
      : point_(point), device_(open_host("/dev/fuse", O_RDWR)) {
    const bool is_directory = std::filesystem::is_directory(point);
    const auto options = "fd=" + std::to_string(device_.get()) + ",rootmode=" + (is_directory ? "40755" : "100644") +
                         ",user_id=" + std::to_string(owner) + ",group_id=0";
    check(::mount("silent", point.c_str(), "fuse.silent", 0, options.c_str()), "mount", point);
    server_ = std::thread([this] { serve(); });
  }
  // Who waits goes on, with an error.
  ~SilentFuse() {
    ::umount2(point_.c_str(), MNT_FORCE | MNT_DETACH);
    server_.join();
  }
  SilentFuse(const SilentFuse&) = delete;

 private:
  // include/uapi/linux/fuse.h: fuse_in_header, fuse_out_header with fuse_init_out.
  struct Request {
    std::uint32_t length, opcode;
    std::uint64_t unique;
  };
  struct Answer {
    std::uint32_t length;
    std::int32_t error;
    std::uint64_t unique;
    std::uint32_t major = 7, minor = 31;
    std::array<std::uint32_t, 14> rest{};
  };
  static constexpr std::uint32_t getattr = 3, init = 26, header_bytes = 16;

  void serve() const {
    alignas(Request) std::array<char, 1 << 17> buffer;
    while (::read(device_.get(), buffer.data(), buffer.size()) > 0) {
      const auto& request = *reinterpret_cast<const Request*>(buffer.data());
      if (request.opcode == getattr) continue;
      const bool is_init = request.opcode == init;
      const std::uint32_t length = is_init ? sizeof(Answer) : header_bytes;
      const Answer answer{.length = length, .error = is_init ? 0 : -ENOSYS, .unique = request.unique};
      if (::write(device_.get(), &answer, length) < 0) return;
    }
  }

  const std::string point_;
  const Fd device_;
  std::thread server_;
};

}  // namespace vunify::test
