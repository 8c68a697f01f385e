// SPDX-License-Identifier: Apache-2.0
#include "hashindex/digest.h"

#include <gtest/gtest.h>

namespace vunify::test {
namespace {

TEST(Digest, IsTheSameInOnePieceAndInMany) {
  const DigestKey key;
  for (const std::size_t size : {0, 1, 16, 240, 241, 1024, 100'000}) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31);
    RunningDigest running(key);
    for (std::size_t at = 0; at < size; at += 37) running.add(std::string_view(bytes).substr(at, 37));
    EXPECT_EQ(running.value(), key.of(bytes)) << size << " bytes";
  }
}

TEST(Digest, TellsContentsApart) {
  const DigestKey key;
  EXPECT_EQ(key.of(std::string("same")), key.of(std::string("same")));
  EXPECT_NE(key.of(std::string("same")), key.of(std::string("Same")));
}

TEST(Digest, IsAnotherUnderAnotherKey) {
  const DigestKey one, other;
  EXPECT_EQ(one.secret().size(), 192u);
  EXPECT_NE(one.secret(), other.secret());
  EXPECT_NE(one.of(std::string("same")), other.of(std::string("same")));
}

}  // namespace
}  // namespace vunify::test
