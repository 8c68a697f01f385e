// SPDX-License-Identifier: Apache-2.0
// The bytes of files that are open. Where the kernel reads and writes by itself (passthrough) only what it has no way
// for comes here, and the file is opened for the moment; else each open has a descriptor of ours, its handle.
#include "sys/data.h"

#include <fcntl.h>

#include <cstring>

#include "fuse/attempts.h"
#include "fuse/caller.h"
#include "fuse/changing.h"
#include "fuse/operations.h"
#include "fuse/served.h"
#include "fuse/workers.h"

namespace vunify {
namespace {

class DataFile {
 public:
  DataFile(Served& served, NodeId id, const fuse_file_info* file, int flags) {
    if (file != nullptr && file->fh != 0)
      fd_ = static_cast<int>(file->fh);
    else
      fd_ = (opened_ = served.addresses.open(id, flags)).get();
  }
  int fd() const { return fd_; }

 private:
  Fd opened_;
  int fd_;
};

// What an allocation takes away is not asked for.
Amount most_of_allocation(Served& served, NodeId id, int fd, int mode, off_t offset, off_t length) {
  if ((mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_COLLAPSE_RANGE)) != 0) return {};
  return most_of_write(served, id, fd, offset, static_cast<std::uint64_t>(length));
}

// By an earlier worker: such a file is written to at its end only, and by one at a time.
bool was_appended(int fd, off_t offset, std::size_t size) {
  if (!was_asked_before()) return false;
  const auto file = stat_fd(fd);
  return file.append_only && file.stamp.size >= static_cast<std::uint64_t>(offset) + size;
}

}  // namespace

void serve_read(fuse_req_t request, fuse_ino_t id, std::size_t size, off_t offset, fuse_file_info* file) {
  answer(request, [&](Served& served) {
    static thread_local std::vector<char> buffer;
    buffer.resize(std::max(buffer.size(), size));
    const DataFile data(served, id, file, O_RDONLY);
    fuse_reply_buf(request, buffer.data(), read_bytes(data.fd(), offset, std::span(buffer).first(size)));
  });
}

// Pages that were written to through a map come in nobody's name.
void serve_write(fuse_req_t request, fuse_ino_t id, const char* bytes, std::size_t size, off_t offset,
                 fuse_file_info* file) {
  answer(request, [&](Served& served) {
    const DataFile data(served, id, file, O_WRONLY);
    std::size_t written = size;
    if (!was_appended(data.fd(), offset, size)) {
      const Changing changing(served, most_of_write(served, id, data.fd(), offset, size), {id});
      const Writing writing(request, data.fd(), must_kill_setid());
      written = write_bytes(data.fd(), offset, {bytes, size});
    }
    fuse_reply_write(request, written);
  });
}

void serve_fsync(fuse_req_t request, fuse_ino_t id, int data_only, fuse_file_info* file) {
  answer(request, [&](Served& served) {
    const DataFile data(served, id, file, O_RDONLY);
    const Workers::Away away;
    data_only != 0 ? sync_data(data.fd(), {}) : sync_all(data.fd());
    { const Changing allocated_late(served, {}, {id}); }
    fuse_reply_err(request, 0);
  });
}

void serve_fallocate(fuse_req_t request, fuse_ino_t id, int mode, off_t offset, off_t length, fuse_file_info* file) {
  answer(request, [&](Served& served) {
    const DataFile data(served, id, file, O_WRONLY);
    {
      const Changing changing(served, most_of_allocation(served, id, data.fd(), mode, offset, length), {id});
      const Workers::Away away;
      const Writing writing(request, data.fd(), clears_setid(request, data.fd()));
      allocate(data.fd(), mode, offset, length);
    }
    fuse_reply_err(request, 0);
  });
}

void serve_lseek(fuse_req_t request, fuse_ino_t id, off_t offset, int whence, fuse_file_info* file) {
  answer(request, [&](Served& served) {
    const DataFile data(served, id, file, O_RDONLY);
    fuse_reply_lseek(request, seek(data.fd(), offset, whence));
  });
}

void serve_copy_file_range(fuse_req_t request, fuse_ino_t from, off_t from_offset, fuse_file_info* from_file,
                           fuse_ino_t to, off_t to_offset, fuse_file_info* to_file, std::size_t length, int) {
  answer(request, [&](Served& served) {
    const DataFile source(served, from, from_file, O_RDONLY);
    const DataFile target(served, to, to_file, O_WRONLY);
    std::size_t copied = 0;
    {
      const Changing changing(served, most_of_write(served, to, target.fd(), to_offset, length), {to});
      const Workers::Away away;
      const Writing writing(request, target.fd(), clears_setid(request, target.fd()));
      copied = copy_bytes(source.fd(), from_offset, target.fd(), to_offset, length);
    }
    fuse_reply_write(request, copied);
  });
}

}  // namespace vunify
