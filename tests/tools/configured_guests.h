// SPDX-License-Identifier: Apache-2.0
// Guests that a configuration of util-vserver's tells of, beside it in a scratch directory, and vunify run with that.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/scratch.h"

namespace vunify::test {

// Their trees are vs/NAME, what is told of them is config/NAME/...
class ConfiguredGuests : public Scratch {
 public:
  using Words = std::vector<std::string>;
  using Json = nlohmann::json;

  explicit ConfiguredGuests(const Words& names, const std::string& where = "/var/tmp") : Scratch(Files{}, where) {
    for (const auto& name : names) add(name);
    set(".defaults/apps/vunify/providers", "vserver");
    std::filesystem::create_symlink(*this / "vs", *this / "config/.defaults/vdirbase");
  }

  void add(const std::string& name) const {
    make_directory("vs/" + name);
    make_directory("config/" + name + "/apps/vunify");
    std::filesystem::create_symlink(*this / ("vs/" + name), *this / ("config/" + name + "/vdir"));
  }
  // Of the configuration: "a/apps/vunify/protect".
  void set(const std::string& path, const std::string& value) const { write("config/" + path, value + "\n"); }
  // The same file in each of these guests.
  void fill(const Words& names, const std::string& path, const std::string& content) const {
    for (const auto& name : names) write("vs/" + name + "/" + path, content);
  }

  Words command(const Words& options) const {
    Words words = {"vunify", "--config", *this / "config", "--state", *this / "state"};
    words.insert(words.end(), options.begin(), options.end());
    return words;
  }
  Finished vunify(const Words& options) const { return run(command(options)); }
  Json report(Words options, int status = 0) const {
    options.push_back("--json");
    const auto finished = vunify(options);
    EXPECT_EQ(finished.status, status) << finished.err << finished.out;
    return Json::parse(finished.out, nullptr, false);
  }
  bool are_one(const std::string& one, const std::string& other) const {
    return inode("vs/" + one).ino == inode("vs/" + other).ino;
  }
};

}  // namespace vunify::test
