// SPDX-License-Identifier: Apache-2.0
// Directories are listed with what their names lead to, always: a look-up each would cost the kernel more than what it
// does not use. None is opened for it: the kernel is told once that there is no such thing (ENOSYS), and keeps what it
// was given until something changes in the directory. A place in one is the filesystem's own, and holds for good.
#include <dirent.h>
#include <fcntl.h>

#include <cstring>

#include "fuse/operations.h"
#include "fuse/served.h"
#include "fuse/workers.h"
#include "sys/data.h"

namespace vunify {
namespace {

bool is_dots(const char* name) { return std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0; }

// Fills one reply, entry by entry, as far as it goes.
class Listing {
 public:
  Listing(Served& served, fuse_req_t request, NodeId id, std::size_t size)
      : served_(served), request_(request), id_(id), room_(size) {}

  bool add_plain(const DirectoryEntry& entry) {
    struct stat st {};
    st.st_ino = entry.ino;
    st.st_mode = static_cast<mode_t>(DTTOIF(entry.type));
    return take(fuse_add_direntry(request_, at(), left(), entry.name, &st, entry.next));
  }

  // With the look-up, which the kernel counts; what went meanwhile is left out.
  bool add_looked_up(const DirectoryEntry& entry) {
    fuse_entry_param found{};
    if (entered_.size() == Slot::most_entered) return false;
    const auto id = enter(served_, id_, entry.name, found);
    if (id == 0) return true;
    if (take(fuse_add_direntry_plus(request_, at(), left(), entry.name, &found, entry.next))) {
      entered_.push_back(id);
      return true;
    }
    served_.nodes.forget(id, 1);
    return false;
  }

  bool add_dots(const DirectoryEntry& entry) {
    fuse_entry_param none{};
    none.attr.st_ino = entry.ino;
    none.attr.st_mode = S_IFDIR;
    return take(fuse_add_direntry_plus(request_, at(), left(), entry.name, &none, entry.next));
  }

  void reply() {
    if (fuse_reply_buf(request_, room_.data(), used_) != -ENOENT) return;
    for (const auto id : entered_) served_.nodes.forget(id, 1);
  }

 private:
  char* at() { return room_.data() + used_; }
  std::size_t left() const { return room_.size() - used_; }
  bool take(std::size_t size) {
    if (size > left()) return false;
    used_ += size;
    return true;
  }

  Served& served_;
  fuse_req_t request_;
  NodeId id_;
  std::vector<char> room_;
  std::size_t used_ = 0;
  std::vector<NodeId> entered_;
};

// A reply takes several times the room of the kernel's entries: they are read in small pieces.
template <typename Add>
void list(Served& served, NodeId id, off_t place, const Add& add) {
  alignas(8) char buffer[4 << 10];
  const Fd dir = served.addresses.open(id, O_RDONLY | O_DIRECTORY | O_NOATIME);
  auto entries = read_entries(dir.get(), place, buffer);
  while (!entries.empty()) {
    const auto entry = take_entry(entries);
    if (!is_hidden(served, id, entry.name) && !add(entry)) return;
    if (entries.empty()) entries = read_entries(dir.get(), 0, buffer);
  }
}

}  // namespace

void serve_opendir(fuse_req_t request, fuse_ino_t, fuse_file_info*) { fuse_reply_err(request, ENOSYS); }

void serve_readdir(fuse_req_t request, fuse_ino_t id, std::size_t size, off_t place, fuse_file_info*) {
  answer(request, [&](Served& served) {
    Listing listing(served, request, id, size);
    list(served, id, place, [&](const DirectoryEntry& entry) { return listing.add_plain(entry); });
    listing.reply();
  });
}

void serve_readdirplus(fuse_req_t request, fuse_ino_t id, std::size_t size, off_t place, fuse_file_info*) {
  answer(request, [&](Served& served) {
    Listing listing(served, request, id, size);
    list(served, id, place, [&](const DirectoryEntry& entry) {
      return is_dots(entry.name) ? listing.add_dots(entry) : listing.add_looked_up(entry);
    });
    listing.reply();
  });
}

void serve_fsyncdir(fuse_req_t request, fuse_ino_t id, int data_only, fuse_file_info*) {
  answer(request, [&](Served& served) {
    const Fd dir = served.addresses.open(id, O_RDONLY | O_DIRECTORY);
    const Workers::Away away;
    data_only != 0 ? sync_data(dir.get(), {}) : sync_all(dir.get());
    fuse_reply_err(request, 0);
  });
}

}  // namespace vunify
