// SPDX-License-Identifier: Apache-2.0
#include "tests/random_guests.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <random>

#include "sys/fd.h"

namespace vunify::test {
namespace {

constexpr std::array directories = {"", "/opt", "/opt/a", "/opt/a/b", "/usr", "/usr/share"};
constexpr std::array sizes = {0, 1, 4095, 4096, 131071, 131072, 131073, 200000};
constexpr std::time_t long_ago = 1577836800;

class Gardener {
 public:
  Gardener(std::string where, std::uint32_t seed, const Shape& shape)
      : where_(std::move(where)), random_(seed), shape_(shape) {}

  std::vector<std::string> grow() {
    for (unsigned i = 0; i < shape_.guests; ++i) {
      guests_.push_back(where_ + "/guest" + std::to_string(i));
      grow_guest(guests_.back());
    }
    for (const auto& guest : guests_)
      for (const auto* directory : directories) set_mtime(guest + directory, long_ago + number_below(9));
    return guests_;
  }

 private:
  int number_below(std::size_t limit) { return static_cast<int>(random_() % limit); }
  bool seldom() { return number_below(8) == 0; }

  static void set_mtime(const std::string& path, std::time_t seconds) {
    const timespec times[2] = {{seconds, 0}, {seconds, 123456789}};
    check(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW), "utimensat", path);
  }

  std::string some_path(const std::string& guest) {
    return guest + directories[static_cast<std::size_t>(number_below(directories.size()))] + "/" +
           std::to_string(number_below(1000));
  }

  // Of one size there are three: the second differs from the first in its last byte, the third in its first.
  std::string content() {
    const auto size = static_cast<std::size_t>(sizes[static_cast<std::size_t>(number_below(sizes.size()))]);
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7 + i / 251);
    const auto kind = number_below(6);
    if (kind == 1 && size > 0) bytes.back() ^= 1;
    if (kind == 2 && size > 0) bytes.front() ^= 1;
    return bytes;
  }

  void grow_file(const std::string& path) {
    const Fd file = open_host(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    write_all(file.get(), content(), path);
    if (seldom()) check(::fchown(file.get(), 1000, 1000), "fchown", path);
    check(::fchmod(file.get(), seldom() ? 04755 : 0644), "fchmod", path);
    if (seldom()) check(::fsetxattr(file.get(), "user.note", "x", 1, 0), "fsetxattr", path);
    set_mtime(path, long_ago + (seldom() ? 1 : 0));
  }

  // Any name that is there already stays.
  void grow_name(const std::string& guest, const std::string& path) {
    if (std::filesystem::exists(std::filesystem::symlink_status(path))) return;
    if (seldom() && !own_.empty()) return std::filesystem::create_hard_link(own_.back(), path);
    if (seldom()) return std::filesystem::create_symlink("a", path);
    if (shape_.links_between && guest != guests_.front() && number_below(4) == 0)
      return std::filesystem::create_hard_link(first_[static_cast<std::size_t>(number_below(first_.size()))], path);
    grow_file(path);
    own_.push_back(path);
    if (guest == guests_.front()) first_.push_back(path);
  }

  void grow_guest(const std::string& guest) {
    own_.clear();
    for (const auto* directory : directories) std::filesystem::create_directory(guest + directory);
    for (unsigned i = 0; i < shape_.files; ++i) grow_name(guest, some_path(guest));
  }

  std::string where_;
  std::mt19937 random_;
  Shape shape_;
  std::vector<std::string> guests_;
  std::vector<std::string> own_;    // files of the guest that grows
  std::vector<std::string> first_;  // files of the first guest
};

}  // namespace

std::vector<std::string> grow_guests(const std::string& where, std::uint32_t seed, const Shape& shape) {
  return Gardener(where, seed, shape).grow();
}

}  // namespace vunify::test
