// SPDX-License-Identifier: Apache-2.0
#include "tools/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace vunify {
namespace {

using testing::HasSubstr;
using testing::Not;

const ProgressState half{Phase::prove, 12000, 1ull << 30, 24000, 2ull << 30, 10};

TEST(ProgressBar, ShowsShareRateAndTimeLeft) {
  EXPECT_EQ(progress_bar(half, 120),
            "prove  [==========>         ]  50%  12,000 files  10.0 s left  1.0 GiB  102.4 MiB/s");
}

TEST(ProgressBar, FitsEveryTerminal) {
  for (std::size_t columns = 0; columns < 120; ++columns) EXPECT_LE(progress_bar(half, columns).size(), columns);
  EXPECT_EQ(progress_bar(half, 10), "prove");
}

TEST(ProgressBar, WithoutATotalOnlyCounts) {
  EXPECT_EQ(progress_bar({Phase::walk, 1, 0, 0, 0, 0.2}, 80), "walk   1 file");
}

TEST(ProgressBar, NeverPassesItsEnd) {
  const auto line = progress_bar({Phase::link, 30, 0, 20, 0, 5}, 80);
  EXPECT_THAT(line, HasSubstr("[====================] 100%"));
}

TEST(ProgressJson, HasItsKeys) {
  EXPECT_EQ(
      progress_json(half),
      R"({"phase":"prove","files":12000,"files_total":24000,"bytes":1073741824,"bytes_total":2147483648,"seconds":10.0})");
}

TEST(ProgressMode, AutoDrawsNothingIntoAFile) {
  testing::internal::CaptureStderr();  // stderr is a file now
  EXPECT_EQ(progress_mode("auto"), ProgressMode::none);
  EXPECT_EQ(progress_mode("none"), ProgressMode::none);
  EXPECT_EQ(progress_mode("json"), ProgressMode::json);
  testing::internal::GetCapturedStderr();
}

TEST(Progress, AsJsonSaysWhereItIsAtOnce) {
  Counters counters;
  counters.begin(Phase::link, 7, 0);
  testing::internal::CaptureStderr();
  { Progress progress(ProgressMode::json, counters); }
  const auto line = nlohmann::json::parse(testing::internal::GetCapturedStderr());
  EXPECT_EQ(line["phase"], "link");
  EXPECT_EQ(line["files_total"], 7);
}

TEST(Progress, LeavesNoBarBehind) {
  Counters counters;
  testing::internal::CaptureStderr();
  { Progress progress(ProgressMode::bar, counters); }
  const auto drawn = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(drawn.ends_with("\r\x1b[K")) << drawn;
  EXPECT_THAT(drawn, Not(HasSubstr("\n")));
}

TEST(Progress, NoneWritesNothing) {
  Counters counters;
  testing::internal::CaptureStderr();
  { Progress progress(ProgressMode::none, counters); }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace vunify
