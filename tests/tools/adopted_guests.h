// SPDX-License-Identifier: Apache-2.0
// Guests of a filesystem of their own, stopped, that vcow adopts and vunify makes one; files are named "a/etc/passwd"
// wherever they lie.
#pragma once

#include <string>

#include "guest/adopted.h"
#include "tests/shared.h"
#include "tests/tools/guests.h"

namespace vunify::test {

class AdoptedGuests {
 public:
  AdoptedGuests(const std::string& filesystem, const Guests::Files& files, const Words& adopted)
      : dir_(files, filesystem) {
    if (adopted.empty()) return;
    const auto finished = vcow("adopt", adopted);
    EXPECT_EQ(finished.status, 0) << finished.err;
  }

  std::string operator/(const std::string& path) const { return dir_ / path; }
  const Scratch& dir() const { return dir_; }

  Words words(const std::string& program, Words options, const Words& guests) const {
    Words words = {program};
    if (program == "vcow") words.push_back(options.front()), options.erase(options.begin());
    words.insert(words.end(), {"--state", dir_ / "state"});
    words.insert(words.end(), options.begin(), options.end());
    for (const auto& guest : guests) words.push_back(dir_ / guest);
    return words;
  }
  Finished vcow(const std::string& verb, const Words& guests) const { return run(words("vcow", {verb}, guests)); }
  Finished vunify(const Words& options, const Words& guests) const { return run(words("vunify", options, guests)); }
  Json report(Words options, const Words& guests) const {
    options.push_back("--json");
    const auto finished = vunify(options, guests);
    const auto report = Json::parse(finished.out, nullptr, false);
    EXPECT_FALSE(report.is_discarded()) << finished.err << finished.out;
    return report;
  }

  // Where the file of an adopted guest lies.
  std::string tree(const std::string& path) const { return dir_ / (".vcow/" + path); }
  Inode inode(const std::string& path) const { return dir_.inode(".vcow/" + path); }
  bool are_one(const std::string& one, const std::string& other) const { return inode(one).ino == inode(other).ino; }
  // Marked, and without a flag: as it is to be under cow.
  bool is_kept_by_cow(const std::string& path) const { return has_mark(tree(path)) && !inode(path).immutable; }

 private:
  Scratch dir_;
};

// For three guests, a file at a path.
inline Guests::Files in_each(const Words& guests, const Words& paths) {
  Guests::Files files;
  for (const auto& path : paths)
    for (const auto& guest : guests) files.push_back({guest + "/" + path, same(path)});
  return files;
}

}  // namespace vunify::test
