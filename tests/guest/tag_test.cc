// SPDX-License-Identifier: Apache-2.0
#include "guest/tag.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "sys/inode_attr.h"
#include "tests/sys/on_filesystem.h"

namespace vunify::test {
namespace {

class TagOn : public OnFilesystem {
 protected:
  void SetUp() override {
    OnFilesystem::SetUp();
    if (IsSkipped()) return;
    std::filesystem::create_directories(dir() / "g/sub");
    root_.emplace(dir() / "g");
  }

  std::uint32_t of(const std::string& path) const { return tag_of(GuestName{&*root_, path}); }
  void set_inheriting(const std::string& path, std::uint32_t project) const {
    const auto fd = directory(path);
    auto attributes = inode_attributes(fd.get());
    attributes.fsx_projid = project;
    attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
    set_inode_attributes(fd.get(), attributes);
  }

  std::optional<RootDir> root_;
};

class TagKeptOn : public TagOn {};
INSTANTIATE_TEST_SUITE_P(Each, TagOn, each_filesystem, filesystem_name);
INSTANTIATE_TEST_SUITE_P(Each, TagKeptOn, testing::Values("xfs"), filesystem_name);  // this kernel: without quota

TEST_P(TagOn, IsNoneWhereNoneIsSet) {
  EXPECT_EQ(tag_of(root_->fd()), 0u);
  EXPECT_EQ(of("sub/f"), 0u);
}

TEST_P(TagKeptOn, IsTheRootsProjectForAllItsNames) {
  set_project_id(directory("g").get(), 42);
  set_project_id(directory("g/sub").get(), 7);
  EXPECT_EQ(tag_of(root_->fd()), 42u);
  EXPECT_EQ(of("sub/f"), 42u);
}

TEST_P(TagKeptOn, IsTheDirectorysWhereThatPassesItsOwnOn) {
  set_project_id(directory("g").get(), 42);
  set_inheriting("g/sub", 7);
  EXPECT_EQ(of("sub/f"), 7u);
}

}  // namespace
}  // namespace vunify::test
