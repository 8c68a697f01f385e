// SPDX-License-Identifier: Apache-2.0
#include "host/way.h"

#include <fcntl.h>

#include <deque>
#include <filesystem>

#include "sys/at.h"
#include "sys/fd.h"

namespace vunify {
namespace {

constexpr int most_symlinks = 40;  // path_resolution(7): the kernel's own limit

std::deque<std::string> components(const std::string& path) {
  std::deque<std::string> all;
  for (const auto& component : std::filesystem::path(path))
    if (!component.empty() && component != "/" && component != ".") all.push_back(component);
  return all;
}

class Walker {
 public:
  explicit Walker(const std::string& path) : rest_(components(path)) { begin_at_root(); }

  Followed walk() {
    while (!rest_.empty()) step();
    way_.path = here_;
    return std::move(way_);
  }

 private:
  void begin_at_root() {
    dir_ = open_host("/", O_PATH | O_DIRECTORY);
    here_ = "/";
  }

  void step() {
    const auto leaf = std::move(rest_.front());
    rest_.pop_front();
    way_.through.insert(here_);
    const std::filesystem::path here = here_;
    const std::string there = leaf == ".." ? here.parent_path() : here / leaf;
    try {
      const At at{dir_.get(), leaf.c_str()};
      const Fd held = hold_at(at);
      const At itself{held.get(), ""};
      if (const auto target = find_link_at(itself)) return turn(*target, stat_at(itself).st_uid);
      dir_ = open_at(at, O_PATH | O_DIRECTORY);
    } catch (const std::system_error& error) {
      throw std::system_error(error.code(), there);
    }
    here_ = there;
  }

  void turn(const std::string& target, uid_t owner) {
    way_.by_root &= owner == 0;
    errno = ELOOP;
    if (++symlinks_ > most_symlinks) throw_errno("readlink");
    auto further = components(target);
    rest_.insert(rest_.begin(), further.begin(), further.end());
    if (target.starts_with('/')) begin_at_root();
  }

  std::deque<std::string> rest_;
  Fd dir_;
  std::string here_;
  int symlinks_ = 0;
  Followed way_;
};

}  // namespace

Followed follow(const std::string& path) { return Walker(path).walk(); }

}  // namespace vunify
