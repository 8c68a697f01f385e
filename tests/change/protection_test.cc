// SPDX-License-Identifier: Apache-2.0
#include "change/protection.h"

#include <fcntl.h>
#include <gmock/gmock.h>

#include "tests/sys/on_filesystem.h"

namespace vunify::test {
namespace {

using ProtectionOn = OnFilesystem;
INSTANTIATE_TEST_SUITE_P(Each, ProtectionOn, each_filesystem, filesystem_name);

TEST_P(ProtectionOn, ImmutableKeepsWritersOffUntilItIsTakenOff) {
  dir().write("file", "bytes");
  const Fd file = reader("file");
  protect(file.get(), Protection::immutable);
  EXPECT_TRUE(is_protected(file.get(), Protection::immutable));
  EXPECT_EQ(protection_of(file.get()), Protection::immutable);
  EXPECT_EQ(error_of([&] { open_host(dir() / "file", O_WRONLY); }), EPERM);
  unprotect(file.get());
  EXPECT_EQ(protection_of(file.get()), Protection::none);
  EXPECT_EQ(error_of([&] { open_host(dir() / "file", O_WRONLY); }), 0);
}

TEST(Protections, AreParsedByTheNamesTheyAreToldBy) {
  for (const auto protection : {Protection::iunlink, Protection::guard, Protection::reflink, Protection::immutable})
    EXPECT_EQ(parse_protection(std::string(name_of(protection))), protection);
  EXPECT_EQ(parse_protection("auto"), std::nullopt);
  EXPECT_THROW(parse_protection("none"), std::invalid_argument);
  EXPECT_EQ(parse_protection("cow"), Protection::cow);
}

}  // namespace
}  // namespace vunify::test
