// SPDX-License-Identifier: Apache-2.0
// One content has one name, whatever of it is in holes; another one has another.
#include "move/fingerprint.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <set>

#include "sys/fd.h"
#include "tests/scratch.h"

namespace vunify::test {
namespace {

constexpr std::uint64_t size = 3 << 20;

class Fingerprints : public testing::Test {
 protected:
  Fingerprint of(const std::string& name) const { return of(name, key_); }
  Fingerprint of(const std::string& name, const TransferKey& key) const {
    return fingerprint_of(open_host(dir_ / name, O_RDONLY).get(), key);
  }

  Scratch dir_;
  TransferKey key_ = TransferKey::fresh();
};

TEST_F(Fingerprints, AreOfTheBytesNotOfTheHoles) {
  std::string bytes(size, '\0');
  bytes.replace(1 << 20, 4, "data");
  dir_.write("dense", bytes);
  shell_or_fail("cp --sparse=always " + dir_ / "dense" + " " + dir_ / "sparse");
  ASSERT_LT(dir_.inode("sparse").bytes_on_disk(), dir_.inode("dense").bytes_on_disk());
  EXPECT_EQ(of("dense"), of("sparse"));
}

TEST_F(Fingerprints, DifferWithEachByteItsPlaceAndTheSize) {
  std::string bytes(size, '\0');
  dir_.write("zeros", bytes);
  dir_.write("longer", bytes + '\0');
  dir_.write("end", bytes.substr(1) + "x");
  dir_.write("begin", "x" + bytes.substr(1));
  dir_.write("middle", bytes.replace(1 << 20, 1, "x"));
  EXPECT_EQ((std::set{of("zeros"), of("longer"), of("end"), of("begin"), of("middle")}.size()), 5U);
}

TEST_F(Fingerprints, AreOfOneTransferOnly) {
  dir_.write("f", "content");
  EXPECT_NE(of("f"), of("f", TransferKey::fresh()));
}

}  // namespace
}  // namespace vunify::test
