// SPDX-License-Identifier: Apache-2.0
// Guests side by side in a scratch directory, and vunify run over all of them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/scratch.h"

namespace vunify::test {

using Json = nlohmann::json;
using Words = std::vector<std::string>;

// Files are named from the scratch directory: "a/etc/passwd". Every guest is made, with or without files.
class Guests : public Scratch {
 public:
  explicit Guests(const Files& files = {}, const std::string& where = "/var/tmp", Words names = {"a", "b"})
      : Scratch(files, where), names_(std::move(names)) {
    for (const auto& name : names_) make_directory(name);
  }

  Words command(const Words& options, const std::string& protect = flag_name()) const {
    Words words = {"vunify", "--state", *this / "state", "--protect", protect};
    words.insert(words.end(), options.begin(), options.end());
    for (const auto& name : names_) words.push_back(*this / name);
    return words;
  }

  Finished vunify(const Words& options = {}) const { return run(command(options, protect_)); }

  // The same under strace, which tampers as told.
  Finished vunify_under(const Words& strace, const Words& options = {}) const {
    Words words = {"strace", "-f", "-qq", "-o", *this / "strace"};
    words.insert(words.end(), strace.begin(), strace.end());
    const auto vunify = command(options, protect_);
    words.push_back(VUNIFY_BIN_DIR "/vunify");
    words.insert(words.end(), vunify.begin() + 1, vunify.end());
    return run(words);
  }

  Json report(Words options = {}) const {
    options.push_back("--json");
    const auto finished = vunify(options);
    EXPECT_LE(finished.status, 1) << finished.err << finished.out;
    return Json::parse(finished.out, nullptr, false);
  }

  bool are_one(const std::string& path) const { return are_one(names_[0] + "/" + path, names_[1] + "/" + path); }
  bool are_one(const std::string& one, const std::string& other) const { return inode(one).ino == inode(other).ino; }

  void protect_by(const std::string& how) { protect_ = how; }

 private:
  Words names_;
  std::string protect_ = flag_name();
};

// The content that both guests have at a path, and files of it in "a" and "b".
inline std::string same(const std::string& path) { return path + std::string(5000, 's'); }
inline Guests::Files both(const Words& paths) {
  Guests::Files files;
  for (const auto& path : paths)
    for (const std::string guest : {"a/", "b/"}) files.push_back({guest + path, same(path)});
  return files;
}

// What every report has to keep: a file is shared, or it was left alone for one reason.
inline void expect_every_file_is_told(const Json& report) {
  std::uint64_t told = report["shared_files"];
  for (const auto& [reason, count] : report["skipped"].items()) told += count.get<std::uint64_t>();
  EXPECT_EQ(report["files"], told) << report.dump(1);
}

// Bytes by which df's free space became less on the only filesystem.
inline std::int64_t free_drop(const Json& report) {
  const auto& fs = report["filesystems"][0];
  return fs["free_before"].get<std::int64_t>() - fs["free_after"].get<std::int64_t>();
}

// Whether the next run over quiet guests has nothing left to do.
inline void expect_second_run_rests(const Guests& guests, const Words& options = {}) {
  const auto second = guests.report(options);
  EXPECT_EQ(second["linked_files"], 0) << second.dump(1);
  EXPECT_EQ(second["freed_bytes"], 0);
  expect_every_file_is_told(second);
}

}  // namespace vunify::test
