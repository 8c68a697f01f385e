// SPDX-License-Identifier: Apache-2.0
#include "hashindex/digest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>

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

constexpr auto block = ContentDigest::block;

// A block of each letter; a dot is one of zeros, and a small letter a file's last, half as long.
std::string blocks(const std::string& letters) {
  std::string bytes;
  for (const char letter : letters)
    bytes.append(std::islower(letter) != 0 ? block / 2 : block, letter == '.' ? '\0' : letter);
  return bytes;
}

Digest digest_of(const DigestKey& key, std::string_view bytes, std::size_t piece = block) {
  ContentDigest digest(key);
  for (std::size_t at = 0; at < bytes.size(); at += piece) digest.add(at, bytes.substr(at, piece));
  return digest.value(bytes.size());
}

TEST(ContentDigest, IsTheSameForAnyCuttingIntoPieces) {
  const DigestKey key;
  for (const auto* letters : {"A", "a", ".", "ABCDEFGHIJKLM", "AB..CD...E.f", "...A", "A...", "..a"}) {
    const auto bytes = blocks(letters);
    for (std::size_t piece = 2; piece <= 16; ++piece)
      EXPECT_EQ(digest_of(key, bytes, piece * block), digest_of(key, bytes)) << letters << " in pieces of " << piece;
  }
}

TEST(ContentDigest, IsTheSameForAHoleAndForZeros) {
  const DigestKey key;
  const auto bytes = blocks("A..B...c");
  ContentDigest sparse(key);
  sparse.add(0, blocks("A"));
  sparse.add(3 * block, blocks("B"));
  sparse.add(7 * block, blocks("c"));
  EXPECT_EQ(sparse.value(bytes.size()), digest_of(key, bytes));
  EXPECT_EQ(ContentDigest(key).value(3 * block), digest_of(key, blocks("...")));
}

TEST(ContentDigest, TellsPlacesAndSizesApart) {
  const DigestKey key;
  std::vector<Digest> digests;
  for (const auto* letters : {"A",    "AA", ".A", "A.",  "A.A", "AA.", ".AA", "..A", "A..", "A.A.",
                              "A..A", "AB", "BA", "A.B", "B.A", ".",   "..",  "a",   ".a",  "A.a"})
    digests.push_back(digest_of(key, blocks(letters)));
  std::ranges::sort(digests);
  EXPECT_EQ(std::ranges::adjacent_find(digests), digests.end());
}

// Whatever a digest says of a place, a guest may write the same bytes into its file.
TEST(ContentDigest, IsNotForgedByBytesThatLookLikeAPlace) {
  const DigestKey key;
  for (const auto& places : std::vector<std::vector<std::uint64_t>>{{2 * block}, {block, 2 * block}}) {
    std::string place;
    for (const auto number : places) place.append(reinterpret_cast<const char*>(&number), sizeof number);
    const std::string tail(block - place.size(), 'B');
    const auto with_hole = blocks("A.") + tail;
    const auto with_bytes = blocks("A") + place + tail + std::string(tail.size(), '\0');
    ASSERT_EQ(with_hole.size(), with_bytes.size());
    EXPECT_NE(digest_of(key, with_hole), digest_of(key, with_bytes));
  }
}

TEST(ContentDigest, IsAnotherUnderAnotherKey) {
  const DigestKey one, other;
  EXPECT_NE(digest_of(one, blocks("A")), digest_of(other, blocks("A")));
  EXPECT_NE(digest_of(one, blocks(".")), digest_of(other, blocks(".")));
}

TEST(ContentDigest, OfACopyGoesItsOwnWay) {
  const DigestKey key;
  ContentDigest digest(key);
  digest.add(0, blocks("A"));
  auto copy = digest;
  digest.add(block, blocks("B"));
  copy.add(2 * block, blocks("B"));
  EXPECT_EQ(digest.value(3 * block), digest_of(key, blocks("AB.")));
  EXPECT_EQ(copy.value(3 * block), digest_of(key, blocks("A.B")));
}

}  // namespace
}  // namespace vunify::test
