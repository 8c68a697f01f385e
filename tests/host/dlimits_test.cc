// SPDX-License-Identifier: Apache-2.0
#include "host/dlimits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/config_file.h"
#include "tests/host/vservers.h"

namespace vunify::test {
namespace {

class Dlimits : public Vservers {
 protected:
  void set(const std::string& space, const std::string& reserved = "5") const {
    write("web/dlimits/1/directory", "/vservers\n");
    write("web/dlimits/1/space_total", space + "\n");
    write("web/dlimits/1/inodes_total", "-1\n");
    write("web/dlimits/1/reserved", reserved + "\n");
  }
  std::vector<DiskLimit> read() const { return read_dlimits(dir / "etc/web"); }
  std::string complaint() const {
    try {
      read();
      return "";
    } catch (const Misconfigured& wrong) {
      return wrong.mistake.file.substr((dir / "etc/web/dlimits/").size()) + ": " + wrong.mistake.reason;
    }
  }
};

TEST_F(Dlimits, AreFourFilesEach) {
  set("20480");
  const auto all = read();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].directory, "/vservers");
  EXPECT_EQ(all[0].space_kib, 20480u);
  EXPECT_EQ(all[0].inodes, std::nullopt);
  EXPECT_EQ(all[0].reserved, 5u);
}

TEST_F(Dlimits, AreNumbersAsStrtolHasThem) {
  for (const auto& [text, number] : {std::pair{"0x10", 16u}, {"010", 8u}, {"0", 0u}}) {
    set(text);
    EXPECT_EQ(read().at(0).space_kib, number);
  }
  for (const auto* wrong : {"", "-2", "1k", "0x", "99999999999999999999"}) {
    set(wrong);
    EXPECT_THAT(complaint(), testing::StartsWith("1/space_total: is "));
  }
  set("1", "101");
  EXPECT_EQ(complaint(), "1/reserved: is no limit");
}

TEST_F(Dlimits, ThatAreDisabledSayNothing) {
  set("much");
  write("web/dlimits/1/disabled", "");
  EXPECT_TRUE(read().empty());
  EXPECT_TRUE(read_dlimits(dir / "etc/other").empty());
}

TEST_F(Dlimits, WithoutOneOfTheFourAreAMistake) {
  write("web/dlimits/1/directory", "/vservers\n");
  EXPECT_EQ(complaint(), "1/space_total: is missing, or empty");
}

}  // namespace
}  // namespace vunify::test
