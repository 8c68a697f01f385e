// SPDX-License-Identifier: Apache-2.0
#include "sys/quiet_read.h"

#include <unistd.h>

#include <vector>

#include "tests/sys/on_filesystem.h"

namespace vunify::test {
namespace {

constexpr std::size_t file_bytes = 1 << 20;

class QuietReadOn : public OnFilesystem {
 protected:
  void SetUp() override {
    OnFilesystem::SetUp();
    if (!dir_) return;
    dir().write("file", std::string(file_bytes, 'x'));
    file_ = reader("file");
    sync_filesystem(file_.get(), "file");
    ::posix_fadvise(file_.get(), 0, 0, POSIX_FADV_DONTNEED);
    ASSERT_EQ(resident_bytes(file_.get()), 0u);
  }

  std::size_t read_quietly() const {
    std::vector<char> buffer(file_bytes + 4096);
    return QuietReader(file_.get()).read_at(0, buffer);
  }

  Fd file_;
};
INSTANTIATE_TEST_SUITE_P(Each, QuietReadOn, each_filesystem, filesystem_name);

TEST_P(QuietReadOn, LeavesNothingOfAFileThatWasNotCached) {
  EXPECT_EQ(read_quietly(), file_bytes);
  EXPECT_EQ(resident_bytes(file_.get()), 0u);
}

TEST_P(QuietReadOn, LeavesACachedFileCached) {
  for (int i = 0; i < 3; ++i) read_all(reader("file").get(), "file");
  EXPECT_EQ(read_quietly(), file_bytes);
  EXPECT_GE(resident_bytes(file_.get()), most_of(file_bytes));
}

TEST_P(QuietReadOn, LeavesThePartThatWasCached) {
  ::posix_fadvise(file_.get(), 0, 0, POSIX_FADV_RANDOM);  // no reading ahead
  std::vector<char> part(64 << 10);
  ASSERT_EQ(::pread(file_.get(), part.data(), part.size(), 256 << 10), static_cast<ssize_t>(part.size()));
  EXPECT_EQ(read_quietly(), file_bytes);
  EXPECT_GE(resident_bytes(file_.get()), most_of(part.size()));
}

TEST_P(QuietReadOn, ReadsFromAnywhereAndToTheEnd) {
  QuietReader quiet(file_.get());
  std::vector<char> buffer(4096);
  EXPECT_EQ(quiet.read_at(100, buffer), 4096u);
  EXPECT_EQ(quiet.read_at(file_bytes - 10, buffer), 10u);
  EXPECT_EQ(quiet.read_at(file_bytes, buffer), 0u);
}

}  // namespace
}  // namespace vunify::test
