// SPDX-License-Identifier: Apache-2.0
// A run is not felt by the guests: no atime moves, and the page cache is as it was.
#include <fcntl.h>
#include <sys/stat.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "sys/fd.h"
#include "sys/quiet_read.h"
#include "tests/eventually.h"
#include "tests/scratch.h"

namespace vunify::test {
namespace {

constexpr std::size_t file_bytes = 1 << 20;
constexpr timespec then{1577836800, 0};

struct Case {
  std::string fs;
  std::string protect;
};
void PrintTo(const Case& each, std::ostream* out) { *out << each.fs << " " << each.protect; }

class QuietOn : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    fs_ = std::make_unique<LoopFs>(GetParam().fs, 320, "strictatime");
    if (!fs_->ok()) GTEST_SKIP() << fs_->reason();
    for (const char* guest : {"a", "b"}) check(::mkdir((*fs_ / guest).c_str(), 0755), "mkdir");
  }

  std::string at(const std::string& path) const { return *fs_ / path; }

  void make(const std::string& path, std::string text) const {
    const Fd file = open_host(at(path), O_WRONLY | O_CREAT, 0644);
    write_all(file.get(), text, path);
    check(::fsync(file.get()), "fsync");
  }

  // The last thing before a run: reading, too, would move it.
  void set_times(const std::string& path) const {
    const timespec times[2] = {then, then};
    check(::utimensat(AT_FDCWD, at(path).c_str(), times, 0), "utimensat", path);
  }

  // More than once, so that the kernel's own reclaim has others to take first.
  void warm(const std::string& path) const {
    for (int i = 0; i < 3; ++i) read_all(open_host(at(path), O_RDONLY).get(), path);
  }
  void cool(const std::string& path) const {
    ::posix_fadvise(open_host(at(path), O_RDONLY).get(), 0, 0, POSIX_FADV_DONTNEED);
  }
  std::uint64_t resident(const std::string& path) const {
    return resident_bytes(open_host(at(path), O_RDONLY | O_NOATIME).get());
  }
  std::int64_t atime(const std::string& path) const {
    struct stat st {};
    check(::stat(at(path).c_str(), &st), "stat", path);
    return st.st_atim.tv_sec;
  }

  nlohmann::json unify() const {
    const auto protect = GetParam().protect == "reflink" ? "--protect=reflink" : protect_by_flag();
    const auto ran = run({"vunify", "--state", at("state"), protect, "--json", at("a"), at("b")});
    EXPECT_EQ(ran.status, 0) << ran.err;
    return nlohmann::json::parse(ran.out);
  }

  std::unique_ptr<LoopFs> fs_;
};
const auto name_of_case = [](const auto& each) { return each.param.fs + "_" + each.param.protect; };

INSTANTIATE_TEST_SUITE_P(Each, QuietOn,
                         testing::Values(Case{"ext4", "flag"}, Case{"xfs", "flag"}, Case{"btrfs", "flag"},
                                         Case{"xfs", "reflink"}, Case{"btrfs", "reflink"}),
                         name_of_case);

// Where inodes are given up, and somebody may still read them.
class GivenUpOn : public QuietOn {};

INSTANTIATE_TEST_SUITE_P(Each, GivenUpOn,
                         testing::Values(Case{"ext4", "flag"}, Case{"xfs", "flag"}, Case{"btrfs", "flag"}),
                         name_of_case);

TEST_P(QuietOn, LeavesAccessTimesAndThePageCache) {
  const std::vector<std::string> names{"a/cold_equal", "b/cold_equal", "a/cold_other", "b/cold_other",
                                       "a/warm_equal", "b/warm_equal", "a/warm_other", "b/warm_other"};
  for (const auto& name : names) {
    // Sizes differ by kind; "other" ones differ in the last byte only, so that they are read to the end.
    const std::string last(1, name.find("other") == std::string::npos ? 'x' : name[0]);
    const std::size_t kind =
        (name.find("other") != std::string::npos ? 4096 : 0) + (name.find("warm") != std::string::npos ? 8192 : 0);
    make(name, std::string(file_bytes + kind - 1, static_cast<char>('k' + kind / 4096)) + last);
  }
  for (const auto& name : names) name.find("warm") == std::string::npos ? cool(name) : warm(name);
  for (const auto& name : names) set_times(name);
  for (const char* guest : {"a", "b"}) set_times(guest);

  EXPECT_EQ(unify()["linked_files"], 2);

  for (const char* guest : {"a", "b"}) EXPECT_EQ(atime(guest), then.tv_sec) << guest;
  for (const auto& name : names) {
    EXPECT_EQ(atime(name), then.tv_sec) << name;
    if (name.find("warm") != std::string::npos) {
      EXPECT_GE(resident(name), most_of(file_bytes)) << name;
      continue;
    }
    EXPECT_TRUE(eventually([&] { return resident(name) == 0; })) << name;  // read ahead goes on by itself
  }
}

TEST_P(GivenUpOn, CountsWhatAReaderStillHoldsOpen) {
  const std::size_t large = 16 << 20;
  for (const char* name : {"a/large", "b/large"}) {
    make(name, std::string(large, 'x'));
    set_times(name);
  }
  const Fd root = open_host(fs_->root(), O_RDONLY | O_DIRECTORY);
  const auto free_bytes = [&] {
    sync_filesystem(root.get(), fs_->root());
    return space_of(root.get()).free;
  };
  Fd reader = open_host(at("b/large"), O_RDONLY);
  const auto report = unify();
  EXPECT_GE(report["freed_when_closed"], large);
  EXPECT_EQ(read_all(reader.get(), "b/large"), std::string(large, 'x'));
  const auto before = free_bytes();
  { const Fd closed = std::move(reader); }
  EXPECT_TRUE(eventually([&] { return free_bytes() >= before + large - (1 << 20); })) << free_bytes() - before;
}

}  // namespace
}  // namespace vunify::test
