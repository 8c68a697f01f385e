// SPDX-License-Identifier: Apache-2.0
// vcow adopt, release and list, killed at each step and refused.
#include <fcntl.h>
#include <gmock/gmock.h>

#include <filesystem>

#include "guest/mounted.h"
#include "tests/crash_points.h"
#include "tests/root_test.h"
#include "tests/tools/adopted_guests.h"
#include "tests/tools/configured_guests.h"

namespace vunify::test {
namespace {

using testing::HasSubstr;

class VcowOn : public RootTestOn {
 protected:
  void SetUp() override {
    RootTestOn::SetUp();
    if (!fs_.ok()) GTEST_SKIP() << fs_.reason();
    guests_.emplace(fs_.root(), Guests::Files{{"a/bin/sh", "shell"}}, Words{});
  }

  const AdoptedGuests& guests() const { return *guests_; }
  Finished vcow(const std::string& verb) const { return guests().vcow(verb, {"a"}); }
  Finished killed_at(int step, const std::string& verb) const {
    return run_until({step, 0, {}}, guests().words("vcow", {verb}, {"a"}));
  }
  bool is_adopted() const {
    return guests().dir().names("a").empty() && guests().dir().inode("a").immutable &&
           guests().dir().read(".vcow/a/bin/sh") == "shell";
  }
  bool is_released() const { return guests().dir().read("a/bin/sh") == "shell" && !guests().dir().exists(".vcow"); }

 private:
  LoopFs fs_{GetParam()};
  std::optional<AdoptedGuests> guests_;
};

INSTANTIATE_TEST_SUITE_P(Each, VcowOn, testing::Values("ext4", "xfs", "btrfs"), name_of_each);

TEST_P(VcowOn, AKilledAdoptionIsFinishedByTheNext) {
  sweep(1, 1, 3, [&](int step) {
    const auto finished = killed_at(step, "adopt");
    EXPECT_EQ(vcow("adopt").status, 0) << step;
    EXPECT_TRUE(is_adopted()) << step;
    EXPECT_EQ(vcow("release").status, 0) << step;
    EXPECT_TRUE(is_released()) << step;
    return finished;
  });
}

TEST_P(VcowOn, AKilledAdoptionIsUndoneByRelease) {
  sweep(1, 1, 3, [&](int step) {
    const auto finished = killed_at(step, "adopt");
    vcow("release");
    EXPECT_TRUE(is_released()) << step;
    return finished;
  });
}

TEST_P(VcowOn, AKilledReleaseIsFinishedByTheNext) {
  sweep(1, 1, 3, [&](int step) {
    EXPECT_EQ(vcow("adopt").status, 0);
    const auto finished = killed_at(step, "release");
    vcow("release");
    EXPECT_TRUE(is_released()) << step;
    return finished;
  });
}

TEST_P(VcowOn, AKilledReleaseIsUndoneByAdopt) {
  sweep(1, 1, 3, [&](int step) {
    EXPECT_EQ(vcow("adopt").status, 0);
    const auto finished = killed_at(step, "release");
    EXPECT_EQ(vcow("adopt").status, 0) << step;
    EXPECT_TRUE(is_adopted()) << step;
    EXPECT_EQ(vcow("release").status, 0);
    return finished;
  });
}

class Vcow : public RootTest {};

TEST_F(Vcow, OneLineAndAnExitCodeTellWhatIsWrong) {
  const AdoptedGuests guests("/var/tmp", {{"a/bin/sh", "shell"}}, {"a"});
  EXPECT_EQ(run({"vcow"}).status, 2);
  EXPECT_THAT(run({"vcow", "frob"}).err, HasSubstr("frob: no such verb"));
  EXPECT_EQ(run({"vcow", "adopt"}).status, 2);
  EXPECT_THAT(run({"vcow", "--help"}).out, HasSubstr("adopt"));
  const auto absent = guests.vcow("adopt", {"absent"});
  EXPECT_EQ(absent.status, 3);
  EXPECT_EQ(std::ranges::count(absent.err, '\n'), 1) << absent.err;
  EXPECT_EQ(guests.vcow("adopt", {"a", "absent"}).status, 1);
}

TEST_F(Vcow, TellsWhichMountOptionAndWhichMountItDoesNotKnow) {
  const auto told = [](const std::string& options) { return run({"vcow", "mount", "-o", options, "/var/tmp"}).err; };
  EXPECT_EQ(told("bogus"), "vcow: -o: bogus: no such mount option\n");
  EXPECT_EQ(told("native=/home,bogus"), "vcow: -o: native=/home,bogus: bogus: no such mount option\n");
  EXPECT_EQ(told("native=home"), "vcow: -o: native=home: begins without /\n");
  const auto none = run({"vcow", "umount", "/var/tmp"});
  EXPECT_EQ(none.status, 3);
  EXPECT_EQ(none.err, "vcow: /var/tmp: not a mount of vcow\n");
}

class VcowOfConfigured : public RootTest {
 protected:
  VcowOfConfigured() {
    guests_.write("vs/web/etc/passwd", "root");
    guests_.write("vs/web/etc/apt/sources.list", "deb");
  }

  Finished vcow(const std::string& verb, const std::string& guest) const {
    return run({"vcow", verb, "--config", guests_ / "config", "--state", guests_ / "state", guest});
  }
  // In one line, and nothing is moved.
  std::string refusal(const std::string& path) const {
    const auto finished = vcow("adopt", guests_ / path);
    EXPECT_EQ(finished.status, 3);
    EXPECT_EQ(std::ranges::count(finished.err, '\n'), 1) << finished.err;
    EXPECT_EQ(guests_.read("vs/web/etc/passwd") + guests_.read("vs/web/etc/apt/sources.list"), "rootdeb");
    return finished.err;
  }

  ConfiguredGuests guests_{{"web"}};
};

TEST_F(VcowOfConfigured, NothingThatLiesInAGuestOrHoldsOneIsAdopted) {
  EXPECT_THAT(refusal("vs/web/etc"), HasSubstr("is in " + guests_ / "vs/web"));
  EXPECT_THAT(refusal("vs/web/etc/apt"), HasSubstr("is in " + guests_ / "vs/web"));
  EXPECT_THAT(refusal("vs"), HasSubstr("has " + guests_ / "vs/web" + " in it, a guest"));
}

TEST_F(VcowOfConfigured, AreKnownByName) {
  EXPECT_EQ(vcow("adopt", "web").status, 0);
  EXPECT_EQ(guests_.read("vs/.vcow/web/etc/passwd"), "root");
  EXPECT_EQ(vcow("release", "web").status, 0);
  EXPECT_EQ(guests_.read("vs/web/etc/passwd"), "root");
  EXPECT_THAT(vcow("adopt", "wbe").err, HasSubstr("wbe: no guest of this name"));
}

TEST_F(VcowOfConfigured, AreShownByName) {
  ASSERT_EQ(vcow("adopt", "web").status, 0);
  EXPECT_EQ(vcow("mount", "web").status, 0);
  EXPECT_EQ(guests_.read("vs/web/etc/passwd"), "root");
  EXPECT_EQ(run({"vcow", "umount", "--config", guests_ / "config", "web"}).status, 0);
  EXPECT_THAT(guests_.names("vs/web"), testing::IsEmpty());
}

TEST_F(Vcow, WaitsForNoRun) {
  const AdoptedGuests guests("/var/tmp", {{"a/bin/sh", "shell"}}, {});
  const auto finished = shell("mkdir -p " + guests / "state && flock " + guests / "state/lock " + VUNIFY_BIN_DIR +
                              "/vcow adopt --state " + guests / "state " + guests / "a");
  EXPECT_EQ(finished.status, 4) << finished.err;
  EXPECT_TRUE(guests.dir().exists("a/bin/sh"));
}

TEST_F(Vcow, ListTellsWhatEachHasNoted) {
  const Scratch dir{{"g1/etc/passwd", ""}};
  const Fd root = open_host(dir / "g1", O_RDONLY | O_DIRECTORY);
  MountRecord record({.path = dir / "g1", .mount_point = dir / "g1", .no_passthrough = "old kernel"}, root.get(),
                     dir / "run/vcow");
  record.count_break(4096);
  auto list = Json::parse(run({"vcow", "list", "--json", "--run", dir / "run/vcow"}).out);
  std::erase_if(list.get_ref<Json::array_t&>(), [&](const Json& one) { return one["mountpoint"] != dir / "g1"; });
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0]["root"], dir / "g1");
  EXPECT_EQ(list[0]["pid"], ::getpid());
  EXPECT_EQ(list[0]["alive"], true);
  EXPECT_EQ(list[0]["passthrough"], false);
  EXPECT_EQ(list[0]["links_broken"], 1);
  EXPECT_EQ(list[0]["bytes_copied"], 4096);
  EXPECT_THAT(run({"vcow", "list", "--run", dir / "run/vcow"}).out, HasSubstr("no: old kernel"));
}

// mount(8) and fstab.
TEST(MountFuseVcow, CallsVcowMount) {
  const auto helper = std::string("VCOW=echo " VUNIFY_BIN_DIR "/mount.fuse.vcow ");
  EXPECT_EQ(shell(helper + "/vm/g1 /mnt -n -v -o rw,nosuid -s -o nodev").out, "mount /vm/g1 /mnt -o rw,nosuid,nodev\n");
  EXPECT_EQ(shell(helper + "'/vm/g 1' /mnt").out, "mount /vm/g 1 /mnt\n");
  EXPECT_EQ(shell(helper + "/vm/g1 /mnt -f -o rw").out, "");
  EXPECT_EQ(shell(helper + "/vm/g1").status, 2);
}

}  // namespace
}  // namespace vunify::test
