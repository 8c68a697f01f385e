// SPDX-License-Identifier: Apache-2.0
// Guests on a filesystem of their own, the state elsewhere, and one night after another: a run of vunify under strace,
// which shows what it opened.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tests/scratch.h"

namespace vunify::test {

struct Night {
  Finished finished;
  nlohmann::json report;
  std::set<std::string> opened;  // regular files of guests, by the names they had: "a/etc/passwd"
};

class Nights {
 public:
  using Words = std::vector<std::string>;

  explicit Nights(const std::string& kind, Words guests = {"a", "b"}, std::string protect = flag_name());
  ~Nights();
  Nights(const Nights&) = delete;

  bool ok() const { return fs_.ok(); }
  const std::string& reason() const { return fs_.reason(); }
  const Scratch& state() const { return state_; }
  std::string state_dir() const { return state_ / "state"; }
  std::string index() const { return state_ / "state/index"; }
  const std::string& device() const { return fs_.device(); }
  const std::string& root() const { return root_; }
  std::string operator/(const std::string& path) const { return root_ + "/" + path; }

  // Old enough when a run reads it, its mtime always the same.
  void write(const std::string& path, const std::string& content) const;
  // What an upgrade does: the name leads to another inode. Other guests' names, and their protection, stay.
  void replace(const std::string& path, const std::string& content) const;
  // Waits until no ctime is too young to be recorded.
  void rest() const;
  bool are_one(const std::string& one, const std::string& other) const;
  std::uint64_t ino(const std::string& path) const;

  Words command(const Words& options = {}) const;
  Finished run(const Words& options = {}) const;  // without strace
  Night night(const Words& options = {}) const;
  // All guests, as they can see themselves.
  std::vector<std::map<std::string, std::string>> images() const;

  // The same filesystem, mounted somewhere else, from another loop device.
  void mount_elsewhere();
  void unmount();
  void mount();

  void only(const Words& guests) { guests_ = guests; }

 private:
  LoopFs fs_;
  Scratch state_, elsewhere_;
  std::string root_;
  Words guests_;
  std::string protect_;
};

// Content of so many bytes.
std::string text(char letter, std::size_t size = 5000);

// Files of every kind that a night meets: shared, of one size and metadata but not one content, second copies,
// hard links, alone, and excluded; between "a" and "b" 13 to be linked.
void fill(const Nights& nights);

// vunify --status --json.
nlohmann::json status_of(const Nights& nights);

void expect_nothing_is_opened(const Nights& nights, const char* when);

}  // namespace vunify::test
