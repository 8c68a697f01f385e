// SPDX-License-Identifier: Apache-2.0
// What Debian 12's libfuse (3.14, protocol 7.31) cannot say, and newer kernels understand; all of it is here. Its
// session reads and writes the device through two hooks:
//
//     request   O_TMPFILE comes as its own operation, with the payload of CREATE and the name "/", which no file has:
//     it
//               is made one. What libfuse drops of a request (is setuid to go?) is kept for the thread, which serves
//               it.
//     reply     the answer to INIT gets the bits that libfuse does not know: passthrough and how deep it may be
//     stacked,
//               look-ups of one directory in parallel, setuid cleared by us, idmapped mounts, requests sent again.
//
// The answers to OPEN and CREATE, in which passthrough's number has its place, are written out here.
//
// Numbers are from include/uapi/linux/fuse.h of Linux 6.18; they are the kernel's for good.
#pragma once

#define FUSE_USE_VERSION 312
#include <fuse3/fuse_lowlevel.h>

#include <atomic>
#include <cstdint>
#include <span>

namespace vunify {

struct Served;

// The session's user data: handlers come to what they serve through it.
class Wire {
 public:
  // init: the kernel's first request, which every session is given first, as if it had read it.
  Wire(Served& served, std::span<const char> init, bool passthrough)
      : served_(served), first_(init), wants_passthrough_(passthrough) {}
  Wire(const Wire&) = delete;

  // Once, when the session has its device.
  void attach(fuse_session* session);

  // Once INIT was answered: may the kernel read and write files by itself?
  bool has_passthrough() const { return has_passthrough_; }

  // Where it turns out that the filesystem beneath does not take it.
  void give_passthrough_up() { has_passthrough_ = false; }

  static Served& served_by(fuse_req_t request) { return static_cast<Wire*>(fuse_req_userdata(request))->served_; }

 private:
  static ssize_t read(int fd, void* buffer, size_t size, void* wire);
  static ssize_t writev(int fd, iovec* parts, int count, void* wire);
  ssize_t take_first(void* buffer);
  void see_request(void* buffer, std::size_t size);
  void complete_init(void* reply);

  Served& served_;
  std::span<const char> first_;  // not given yet
  bool wants_passthrough_;
  std::uint64_t init_ = 0;     // its request's number
  std::uint64_t offered_ = 0;  // by the kernel
  std::atomic<bool> has_passthrough_ = false;
};

// Whether the kernel that sent this first request can send again what was not answered (Linux 6.9).
bool can_resend(std::span<const char> init);

// Of the request that this thread serves: setuid and setgid are to go, for the caller has no CAP_FSETID.
bool must_kill_setid();
// Likewise: root asks. Pages that were written to through a map come in nobody's name, whoever wrote: that is not root.
// Where the kernel does not tell who asks (idmapped mounts have this price), who may pass over permissions is root:
// that asks /proc.
bool is_root_asking();
// The thread that asks, as this process's namespace numbers it; 0 where that has no number for it, or the kernel asks.
int asking_process();

// How a file was opened.
struct Opened {
  std::uint64_t handle = 0;
  int backing = 0;          // passthrough, where it is not 0
  bool direct = false;      // reads and writes come to us, past the page cache
  bool keep_cache = false;  // what the page cache has of it is what it is
};
// As libfuse's: -ENOENT where the caller has gone meanwhile, and the kernel has not taken the file.
int reply_open(fuse_req_t request, const Opened& opened);
int reply_create(fuse_req_t request, const fuse_entry_param& entry, const Opened& opened);

}  // namespace vunify
