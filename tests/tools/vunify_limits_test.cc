// SPDX-License-Identifier: Apache-2.0
// What a night changes of what guests have alone, the ledger is to learn.
#include "account/ledger.h"
#include "tests/root_test.h"
#include "tests/tools/configured_guests.h"

namespace vunify::test {
namespace {

class VunifyLimits : public RootTest {
 protected:
  void SetUp() override {
    RootTest::SetUp();
    for (const std::string guest : {"a", "b", "c"}) {
      guests_.set(guest + "/context", guest == "a" ? "70" : guest == "b" ? "71" : "72");
      guests_.set(guest + "/apps/vunify/protect", flag_name());
    }
    guests_.fill({"a", "b"}, "f", std::string(9'000, 'f'));
    guests_.make_directory("state");
    const Ledger ledger(guests_ / "state", lmdb::Access::write);
    auto change = ledger.change();
    for (const auto xid : {70U, 72U}) change.put(key(xid), {.total = {1 << 20, no_limit}});
    change.commit();
  }
  static LimitKey key(std::uint32_t xid) { return {{1, 2, 0}, xid}; }
  std::uint64_t asked(std::uint32_t xid) const {
    return Ledger(guests_ / "state", lmdb::Access::read).read().limit(key(xid))->counts_asked;
  }

  const ConfiguredGuests guests_{{"a", "b", "c"}};
};

TEST_F(VunifyLimits, GuestThatCameToShareIsToBeCounted) {
  const auto before = asked(70);
  EXPECT_EQ(guests_.report({"--all", "-n"})["linked_files"], 1);
  EXPECT_EQ(asked(70), before);
  EXPECT_EQ(guests_.report({"--all"})["linked_files"], 1);
  EXPECT_EQ(asked(70), before + 1);
  EXPECT_EQ(asked(72), before);  // it shares nothing
  guests_.report({"--all"});
  EXPECT_EQ(asked(70), before + 1);  // nor was anything done
}

TEST_F(VunifyLimits, GuestWhoseLastNameIsItsOwnAgainIsToBeCounted) {
  guests_.report({"--all"});
  const auto before = asked(70);
  std::filesystem::remove_all(guests_ / "config/b");
  shell_or_fail("cd " + (guests_ / "vs") + " && chattr -i b/f && rm b/f && chattr +i a/f");
  EXPECT_EQ(guests_.report({"--all"})["unmarked_files"], 1);
  EXPECT_EQ(asked(70), before + 1);
}

}  // namespace
}  // namespace vunify::test
