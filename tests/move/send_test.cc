// SPDX-License-Identifier: Apache-2.0
#include "move/send.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/xattr.h>

#include "tests/root_test.h"

namespace vunify::test {
namespace {

// Else the other host would say no more than that a message is too long.
TEST(SendGuest, NamesAFileWithMoreAttributesThanCanBeSent) {
  const LoopFs fs("xfs");
  if (!fs.ok()) GTEST_SKIP() << fs.reason();
  const Scratch dir({{"g/f", "text"}, {"g/x", "text"}}, fs.root());
  const std::string value(65000, 'v');
  for (int i = 0; i < 260; ++i)
    ASSERT_EQ(::setxattr((dir / "g/f").c_str(), ("user." + std::to_string(i)).c_str(), value.data(), value.size(), 0),
              0);
  const auto guest = std::move(open_guests({dir / "g"}).guests.at(0));
  const Fd nowhere = open_host("/dev/null", O_WRONLY);
  StreamOut out(nowhere.get());
  try {
    send_guest({.guest = &guest, .why_not = [] { return std::string(); }}, out, nullptr);
    ADD_FAILURE() << "was sent";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code().value(), E2BIG);
    EXPECT_THAT(error.what(), testing::StartsWith(dir / "g/f"));
  }
}

}  // namespace
}  // namespace vunify::test
