// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "account/ledger.h"
#include "tests/eventually.h"
#include "tests/root_test.h"
#include "tests/tools/configured_guests.h"

namespace vunify::test {
namespace {

using nlohmann::json;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class Vquota : public RootTest {
 protected:
  void SetUp() override {
    RootTest::SetUp();
    if (IsSkipped()) return;
    dir.set("a/context", "42");
    dir.fill({"a"}, "etc/passwd", "root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\nal:x:1000:5::/:/bin/sh\n");
    dir.fill({"a"}, "etc/group", "root:x:0:\nstaff:x:50:alice\n");
    dir.fill({"a"}, "f", std::string(10'000, 'x'));
    must(run({"chown", "1000:50", dir / "vs/a/f"}));
  }
  Finished vquota(ConfiguredGuests::Words words) const {
    const ConfiguredGuests::Words before = {"vquota", "--config", dir / "config", "--state", dir / "state"};
    words.insert(words.begin(), before.begin(), before.end());
    return run(words);
  }
  json told(ConfiguredGuests::Words words) const {
    words.push_back("--json");
    const auto finished = vquota(words);
    EXPECT_EQ(finished.status, 0) << finished.err;
    return json::parse(finished.out);
  }
  static json of(const json& list, const std::string& name) {
    for (const auto& one : list)
      if (one.at("name") == name) return one;
    return {};
  }
  const ConfiguredGuests dir{{"a", "b"}};
};

TEST_F(Vquota, TellsOfAnyGuestByAWalkAndMakesNoState) {
  const auto all = told({"a"});
  EXPECT_EQ(all.at("source"), "walk");
  EXPECT_EQ(of(all.at("users"), "alice").at("inodes_used"), 1);
  EXPECT_EQ(of(all.at("users"), "alice").at("space_used"), dir.inode("vs/a/f").bytes_on_disk());
  EXPECT_EQ(of(all.at("groups"), "staff").at("inodes_used"), 1);
  EXPECT_EQ(of(all.at("users"), "root").at("inodes_used"), 4) << "the root, etc and two files";
  EXPECT_FALSE(dir.exists("state"));
  const auto text = vquota({"a", "--user"}).out;
  EXPECT_THAT(text, HasSubstr("USER"));
  EXPECT_THAT(text, HasSubstr("alice  --"));
  EXPECT_THAT(text, Not(HasSubstr("GROUP")));
  EXPECT_EQ(told({dir / "vs/a"}).at("users"), all.at("users"));
}

TEST_F(Vquota, SetsAndRemovesByName) {
  EXPECT_EQ(vquota({"a", "--user", "alice", "--set", "space=200M,inodes=10k"}).status, 0);
  EXPECT_EQ(vquota({"a", "alice", "--set", "inodes=1"}).status, 0);
  const auto alice = of(told({"a", "alice"}).at("users"), "alice");
  EXPECT_EQ(alice.at("space_limit"), 200 << 20) << "what is not named stays";
  EXPECT_EQ(alice.at("inodes_limit"), 1);
  EXPECT_THAT(vquota({"a", "alice"}).out, HasSubstr("alice  -+"));
  EXPECT_EQ(vquota({"a", "-g", "50", "4000000000", "--set", "space=-1,inodes=5"}).status, 0);
  EXPECT_EQ(of(told({"a", "-g"}).at("groups"), "staff").at("space_limit"), nullptr);
  EXPECT_EQ(vquota({"a", "alice", "--remove"}).status, 0);
  EXPECT_EQ(vquota({"a", "alice", "--remove"}).status, 1);
  EXPECT_EQ(vquota({"a", "-g", "50", "4000000000", "--remove"}).status, 0);
  EXPECT_TRUE(Ledger(dir / "state", lmdb::Access::read).read().limits().empty()) << "the guest is limited no more";
}

TEST_F(Vquota, TellsWhoWasNamedAndHasNothing) {
  EXPECT_EQ(told({"a", "4242"}).at("users").at(0).at("inodes_used"), 0);
  EXPECT_THAT(vquota({"a", "al", "--remove"}).err, HasSubstr("al: has no limit"));
}

TEST_F(Vquota, SetsAllOrNothing) {
  for (const ConfiguredGuests::Words& words : {ConfiguredGuests::Words{"a", "alice", "nobody", "--set", "space=1"},
                                               {"a", "alice", "--set", "space=1,inodes=x"},
                                               {"a", "alice", "--set", "blocks=1"},
                                               {"a", "alice", "--set", "space=1,space=2"},
                                               {"a", "--set", "space=1"},
                                               {"a", "alice", "--remove", "--set", "space=1"},
                                               {"a", "4294967295", "--set", "space=1"},
                                               {"a", "-u", "-g", "0", "--remove"},
                                               {"c"},
                                               {"b", "0", "--set", "space=1"},
                                               {}})
    EXPECT_EQ(vquota(words).status, 2);
  EXPECT_FALSE(dir.exists("state/ledger"));
}

TEST_F(Vquota, TellsWhatTheLedgerHasOfWhoWasCounted) {
  ASSERT_EQ(vquota({"a", "alice", "--set", "space=1M"}).status, 0);
  EXPECT_EQ(told({"a"}).at("source"), "walk");
  const auto counted = told({"a", "--recount"});
  EXPECT_EQ(counted.at("source"), "ledger");
  EXPECT_EQ(of(counted.at("users"), "alice").at("inodes_used"), 1);
  EXPECT_EQ(counted.at("enforced_by"), "nobody");
}

TEST_F(Vquota, BelievesNoNameThatAGuestMadeUp) {
  dir.fill({"b"}, "f", "");
  must(shell("cd " + dir / "vs/b" +
             " && mkdir etc && ln -s /etc/shadow etc/passwd && head -c 2M /dev/zero > etc/group"));
  const auto finished = vquota({"b"});
  EXPECT_EQ(finished.status, 0);
  EXPECT_THAT(finished.out, HasSubstr("#0"));
  EXPECT_THAT(finished.err, HasSubstr("etc/group: too large"));
  must(shell("cd " + dir / "vs/b" +
             "/etc && rm passwd group && mkdir real && printf 'r\\033[1m\\n:x:0:0\\n::\\nr2:x:0\\n' > "
             "real/passwd && ln -s /etc/real/passwd passwd && mkfifo group"));
  EXPECT_THAT(vquota({"b", "-u"}).out, ContainsRegex("r2 +--"))
      << "a symlink in the guest, an escape on a line of its own";
}

TEST_F(Vquota, IsHeldToByVcow) {
  ASSERT_EQ(vquota({"a", "alice", "--set", "space=40K"}).status, 0);
  const auto guest = dir / "vs/a";
  must(run({"vcow", "mount", "--config", dir / "config", "--state", dir / "state", guest}));
  const auto full = shell("head -c 100K /dev/zero >> " + guest + "/f");
  EXPECT_THAT(full.err, HasSubstr("quota exceeded"));
  EXPECT_EQ(told({"a"}).at("enforced_by"), "vcow");
  EXPECT_EQ(of(told({"a", "--recount"}).at("users"), "alice").at("space_used"), 40 << 10);
  EXPECT_TRUE(eventually([&] { return run({"umount", guest}).status == 0; }));
}

}  // namespace
}  // namespace vunify::test
