// SPDX-License-Identifier: Apache-2.0
// What the first write to a shared file costs on vcow, microseconds a file: the median of as many opens for writing, of
// files that two guests share. Beside it the floor: the calls that break a link and can be undone up to the last, with
// and without the writing out, for which no name may lead to a copy before it is on the disk.
//
//   first_write VCOW DIR      DIR: empty, on the filesystem that is meant; the mount and the files stay for its owner
#include <fcntl.h>
#include <fmt/core.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <vector>

#include "sys/clone.h"
#include "sys/fd.h"
#include "sys/link.h"
#include "sys/mark.h"
#include "sys/write_out.h"

namespace {

using namespace vunify;

constexpr unsigned files = 300;
constexpr std::size_t sizes[] = {0, 4 << 10, 64 << 10, 1 << 20};

template <typename Work>
double median_of(const Work& work) {
  std::vector<double> all;
  for (unsigned k = 0; k < files; ++k) {
    const auto start = std::chrono::steady_clock::now();
    work(k);
    all.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count());
  }
  std::ranges::nth_element(all, all.begin() + files / 2);
  return all[files / 2];
}

std::string name_of(std::size_t size, unsigned k) { return fmt::format("{}.{}", size, k); }

void share(const std::string& dir, std::size_t size) {
  const std::string content(size, 'x');
  for (unsigned k = 0; k < files; ++k) {
    const auto other = dir + "/other/" + name_of(size, k), mine = dir + "/guest/" + name_of(size, k);
    const Fd file = open_host(other, O_WRONLY | O_CREAT, 0644);
    write_all(file.get(), content, other);
    set_mark(file.get(), {fs_id(file.get()), stat_fd(file.get()).ino});
    check(::link(other.c_str(), mine.c_str()), "link", mine);
  }
}

// The copy's name takes the place of the old one's.
void break_one(int staging, int guest, const char* name, bool writes_out) {
  const Fd old(check(::openat(guest, name, O_RDONLY | O_CLOEXEC), "openat", name));
  const Fd copy = make_unnamed(staging);
  if (!copy_contents(old.get(), copy.get()) && writes_out) write_out(copy.get(), name);
  check(::linkat(AT_FDCWD, proc_path(copy.get()).c_str(), staging, name, AT_SYMLINK_FOLLOW), "linkat", name);
  check(::renameat2(staging, name, guest, name, RENAME_EXCHANGE), "renameat2", name);
  check(::unlinkat(staging, name, 0), "unlinkat", name);
}

double break_each(const std::string& dir, std::size_t size, bool writes_out) {
  const Fd staging = open_host(dir + "/staging", O_RDONLY | O_DIRECTORY);
  const Fd guest = open_host(dir + "/other", O_RDONLY | O_DIRECTORY);
  return median_of([&](unsigned k) { break_one(staging.get(), guest.get(), name_of(size, k).c_str(), writes_out); });
}

// Their names are known to the kernel then, as those of files that were read.
double open_each(const std::string& dir, std::size_t size) {
  for (unsigned k = 0; k < files; ++k) stat_fd(open_host(dir + "/" + name_of(size, k), O_PATH).get());
  return median_of([&](unsigned k) { open_host(dir + "/" + name_of(size, k), O_WRONLY); });
}

void measure(const std::string& vcow, const std::string& dir) {
  for (const auto* leaf : {"/guest", "/other", "/staging"}) std::filesystem::create_directory(dir + leaf);
  for (const auto size : sizes) share(dir, size);
  if (std::system((vcow + " mount " + dir + "/guest").c_str()) != 0) throw std::runtime_error("vcow mount failed");
  fmt::print("{:>9} {:>12} {:>12} {:>12} {:>12} {:>12}\n", "bytes", "native open", "floor", "written out",
             "first write", "open again");
  for (const auto size : sizes) {
    const auto first = open_each(dir + "/guest", size), again = open_each(dir + "/guest", size);
    const auto native = open_each(dir + "/other", size);
    const auto floor = break_each(dir, size, false), written_out = break_each(dir, size, true);
    fmt::print("{:>9} {:>12.1f} {:>12.1f} {:>12.1f} {:>12.1f} {:>12.1f}\n", size, native, floor, written_out, first,
               again);
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 3) throw std::invalid_argument("usage: first_write VCOW DIR");
    measure(argv[1], argv[2]);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "first_write: {}\n", error.what());
    return 2;
  }
}
