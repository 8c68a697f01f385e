// SPDX-License-Identifier: Apache-2.0
#include "sys/directory_watch.h"

#include <fcntl.h>

#include <filesystem>

#include "tests/scratch.h"

namespace vunify::test {
namespace {

class Watching : public testing::Test {
 protected:
  Fd directory(const std::string& path) const { return open_host(dir_ / path, O_PATH | O_DIRECTORY); }
  // Away and back, as an exchange is told.
  void move_there_and_back(const std::string& directory) const {
    std::filesystem::rename(dir_ / (directory + "/f"), dir_ / "elsewhere");
    std::filesystem::rename(dir_ / "elsewhere", dir_ / (directory + "/f"));
  }

  Scratch dir_{{"a/f", ""}, {"b/f", ""}};
  DirectoryWatch& watch_ = DirectoryWatch::of_this_thread();
};

TEST_F(Watching, TellsOfTheDirectoryThatWasBegunLast) {
  ASSERT_TRUE(watch_.begin(directory("a").get()));
  ASSERT_TRUE(watch_.begin(directory("b").get()));
  move_there_and_back("b");
  EXPECT_TRUE(watch_.saw_one_exchange("f"));
  ASSERT_TRUE(watch_.begin(directory("b").get()));
  move_there_and_back("a");
  EXPECT_TRUE(watch_.saw_no_change());
}

TEST_F(Watching, TellsNothingOfWhatWasBefore) {
  ASSERT_TRUE(watch_.begin(directory("a").get()));
  ASSERT_TRUE(watch_.begin(directory("b").get()));
  move_there_and_back("a");
  ASSERT_TRUE(watch_.begin(directory("a").get()));
  EXPECT_TRUE(watch_.saw_no_change());
}

// More than stay watched.
TEST_F(Watching, GoesOnAfterAThousandOthers) {
  ASSERT_TRUE(watch_.begin(directory("a").get()));
  for (int i = 0; i < 1000; ++i) {
    dir_.make_directory(std::to_string(i));
    ASSERT_TRUE(watch_.begin(directory(std::to_string(i)).get())) << i;
  }
  ASSERT_TRUE(watch_.begin(directory("a").get()));
  move_there_and_back("a");
  EXPECT_TRUE(watch_.saw_one_exchange("f"));
}

}  // namespace
}  // namespace vunify::test
