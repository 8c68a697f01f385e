// SPDX-License-Identifier: Apache-2.0
// Three guests on a filesystem of their own, and vdu asked about them.
#pragma once

#include <fcntl.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "account/history.h"
#include "host/root_key.h"
#include "sys/fd.h"
#include "tests/root_test.h"
#include "tests/tools/configured_guests.h"

namespace vunify::test {

using Words = std::vector<std::string>;
using Json = nlohmann::json;

// Guests a, b and c: f is of a and b, g of a alone, once in usr/lib, h of c.
class Vdu : public RootTest {
 protected:
  static void SetUpTestSuite() {
    if (!is_root()) return;
    fs_.emplace("ext4", 64);
    guests_.emplace(Words{"a", "b", "c"}, fs_->root());
    guests_->set("a/context", "70");
    guests_->set("b/context", "60");
    guests_->fill({"a"}, "f", std::string(100'000, 'f'));
    guests_->fill({"a"}, "usr/lib/g", std::string(50'000, 'g'));
    guests_->fill({"c"}, "h", std::string(30'000, 'h'));
    std::filesystem::create_hard_link(*guests_ / "vs/a/f", *guests_ / "vs/b/f");
  }
  static void TearDownTestSuite() {
    guests_.reset();
    fs_.reset();
  }

  static Finished vdu(const Words& words) {
    Words command = {"vdu", "--config", *guests_ / "config", "--state", *guests_ / "state"};
    command.insert(command.end(), words.begin(), words.end());
    return run(command);
  }
  static std::string told(const Words& words) {
    const auto finished = vdu(words);
    EXPECT_EQ(finished.status, 0) << finished.err;
    return finished.out;
  }
  static Json json(Words words) {
    words.push_back("--json");
    return Json::parse(told(words), nullptr, false);
  }
  static Json guest(const Json& report, const std::string& name) {
    for (const auto& one : report["guests"])
      if (one["name"] == name) return one;
    return nullptr;
  }
  // The lines of a table without those below it, where the time stands.
  static Words rows(const Words& words) {
    Words rows;
    std::istringstream text(told(words));
    for (std::string line; std::getline(text, line) && !line.starts_with("/");) rows.push_back(line);
    return rows;
  }

  // What was kept of a and b so many days ago.
  static void keep(Day days_ago, std::uint64_t logical) {
    std::filesystem::create_directories(*guests_ / "state");
    Sample sample{
        .fs = fs_id(open_host(fs_->root(), O_RDONLY).get()), .path = "/then", .taken = clock_now(), .holders = {}};
    sample.taken.sec -= days_ago * 86'400;
    for (const std::string name : {"a", "b"})
      sample.holders.push_back(
          {name, *root_key(*guests_ / ("vs/" + name), read_mounts()), {}, {.logical = logical, .fair = logical / 2}});
    History(*guests_ / "state", lmdb::Access::write).keep({sample});
  }

  static inline std::optional<LoopFs> fs_;
  static inline std::optional<ConfiguredGuests> guests_;
};

}  // namespace vunify::test
