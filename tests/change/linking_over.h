// SPDX-License-Identifier: Apache-2.0
// Guests a, b and c, whose file f is equal, proven and leased: a link of them, to be taken step by step.
#pragma once

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <optional>
#include <string>

#include "change/keeper_link.h"
#include "tests/scene.h"
#include "tests/shared.h"

namespace vunify::test {

// a/f is the keeper, b/f and c/f are the victims; all three proven equal and leased.
class LinkingOver : public testing::Test {
 protected:
  explicit LinkingOver(const std::string& where = "/var/tmp")
      : dir_({{"a/f", "same"}, {"b/f", "same"}, {"c/f", "same"}}, where) {}
  void SetUp() override {
    dir_.make_directory("staging");
    staging_ = open_host(dir_ / "staging", O_RDONLY | O_DIRECTORY);
  }

  void prove() {
    scene_.emplace(dir_, Names{"a", "b", "c"});
    auto proof = scene_->prover().prove(scene_->inodes(scene_->candidates.groups[0]));
    int leaf = 0;
    link_.emplace(link_request(*scene_, proof.classes.at(0)), ground_of(staging_.get()), [&] {
      return StagedName{staging_.get(), std::to_string(leaf++)};
    });
  }

  void link() {
    link_->run();
    link_->look_again();
    result_ = link_->finish();
  }
  // What is left of that, once it is prepared.
  void link_prepared() {
    link_->exchange();
    link_->protect();
    link_->check();
    link_->look_again();
    result_ = link_->finish();
  }
  // b/f is changed by a descriptor from before, between check and look_again.
  void link_and_change_by_descriptor() {
    prove();
    const Fd opened = open_host(dir_ / "b/f", O_RDONLY);
    link_->run();
    ASSERT_EQ(::fchmod(opened.get(), 0600), 0);
    link_->look_again();
    result_ = link_->finish();
  }
  // Of b/f and c/f.
  LinkEnd end_of(const std::string& guest) const { return result_.victims.at(guest == "b" ? 0 : 1).end; }
  std::uint64_t ino(const std::string& path) const { return dir_.inode(path).ino; }
  void chmod(const std::string& path) { ASSERT_EQ(shell("chmod 600 " + (dir_ / path)).status, 0); }

  // Somebody who has looked the name up, and asks to write a little later.
  Fd look_up(const std::string& path) const { return open_host(dir_ / path, O_PATH); }
  static bool is_kept_waiting(const Fd& looked_up) {
    const Fd writer(::open(proc_path(looked_up.get()).c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    return !writer && errno == EWOULDBLOCK;
  }

  void expect_untouched() {
    for (const auto* path : {"b/f", "c/f"}) EXPECT_NE(ino(path), ino("a/f")) << path;
    EXPECT_FALSE(is_shared(dir_ / "a/f"));
    EXPECT_THAT(dir_.names("staging"), testing::IsEmpty());
  }

  Scratch dir_;
  Fd staging_;
  std::optional<Scene> scene_;
  std::optional<KeeperLink> link_;
  LinkResult result_;
};

}  // namespace vunify::test
