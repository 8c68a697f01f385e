// SPDX-License-Identifier: Apache-2.0
// vcow mount --all and umount --all: every guest of a host that is vcow's, whatever becomes of the others.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/mount.h>

#include "guest/mounted.h"
#include "tests/eventually.h"
#include "tests/root_test.h"
#include "tests/tools/configured_guests.h"

namespace vunify::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

class VcowAll : public RootTest {
 protected:
  VcowAll() {
    guests_.fill({"db", "native", "web"}, "etc/passwd", "root");
    guests_.write("fstab", "");
    for (const auto* name : {"db", "web"}) must(vcow("adopt", {guests_ / (std::string("vs/") + name)}));
  }
  ~VcowAll() override { vcow("umount", {"--all", "--lazy"}); }

  Finished vcow(const std::string& verb, const ConfiguredGuests::Words& words) const {
    ConfiguredGuests::Words command = {"vcow", verb, "--config", guests_ / "config"};
    if (verb != "umount") command.insert(command.end(), {"--state", guests_ / "state"});
    if (verb == "mount") command.insert(command.end(), {"--fstab", guests_ / "fstab"});
    command.insert(command.end(), words.begin(), words.end());
    return run(command);
  }
  Finished mount_all() const { return vcow("mount", {"--all"}); }
  Finished umount_all() const { return vcow("umount", {"--all"}); }
  Mounted record_of(const std::string& name) const {
    for (const auto& one : list_mounted())
      if (one.path == guests_ / ("vs/" + name)) return one;
    return {};
  }
  bool is_shown(const std::string& name) const { return guests_.names("vs/" + name).size() == 1; }

  ConfiguredGuests guests_{{"db", "native", "web"}};
};

TEST_F(VcowAll, ShowsTheAdoptedAndSaysOfEachWhatItIs) {
  const auto mounted = mount_all();
  EXPECT_EQ(mounted.status, 0) << mounted.err;
  EXPECT_THAT(mounted.out, AllOf(HasSubstr("db: mounted\n"), HasSubstr("web: mounted\n"),
                                 HasSubstr("native: passed over: not adopted\n")));
  EXPECT_EQ(guests_.read("vs/db/etc/passwd") + guests_.read("vs/web/etc/passwd"), "rootroot");
  const auto ended = umount_all();
  EXPECT_EQ(ended.status, 0) << ended.err;
  EXPECT_THAT(ended.out, AllOf(HasSubstr("db: unmounted\n"), HasSubstr("web: unmounted\n")));
  EXPECT_THAT(guests_.names("vs/web"), IsEmpty());
}

TEST_F(VcowAll, LeavesWhatIsSoAlready) {
  must(mount_all());
  const auto process = record_of("web").process;
  const auto again = mount_all();
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("web: was mounted\n"));
  EXPECT_EQ(record_of("web").process, process);
  must(umount_all());
  EXPECT_EQ(umount_all().out, "");
}

TEST_F(VcowAll, ReplacesADeadMount) {
  must(mount_all());
  const auto killed = record_of("web").process;
  ::kill(killed, SIGKILL);
  ASSERT_TRUE(eventually([&] { return !record_of("web").is_alive; }));
  const auto again = mount_all();
  EXPECT_EQ(again.status, 0) << again.err;
  EXPECT_THAT(again.out, AllOf(HasSubstr("web: mounted\n"), HasSubstr("db: was mounted\n")));
  EXPECT_EQ(guests_.read("vs/web/etc/passwd"), "root");
}

TEST_F(VcowAll, OneThatFailsHoldsUpNoOther) {
  guests_.write("fstab", guests_ / "vs/web" + " " + guests_ / "vs/web" + " fuse.vcow native=/absent 0 0\n");
  const auto mounted = mount_all();
  EXPECT_EQ(mounted.status, 1);
  EXPECT_THAT(mounted.err, AllOf(HasSubstr("vcow: web: "), HasSubstr("absent")));
  EXPECT_EQ(std::ranges::count(mounted.err, '\n'), 1) << mounted.err;
  EXPECT_TRUE(is_shown("db"));
}

TEST_F(VcowAll, FollowsFstab) {
  guests_.write("fstab", "# none\n/dev/sda / ext4 defaults 0 1\n" +                                             //
                             guests_ / "vs/db" + " " + guests_ / "vs/db" + " fuse.vcow noauto 0 0\n" +          //
                             guests_ / "vs/native/" + " " + guests_ / "vs/native" + " fuse.vcow ro,nofail\n");  //
  const auto mounted = mount_all();
  EXPECT_EQ(mounted.status, 0) << mounted.err;
  EXPECT_THAT(mounted.out, AllOf(HasSubstr("db: passed over: noauto in fstab\n"), HasSubstr("native: mounted\n")));
  EXPECT_THROW(guests_.write("vs/native/new", ""), std::system_error);
  EXPECT_FALSE(is_shown("db"));
}

TEST_F(VcowAll, AMountThatIsInUseIsToldAndTheOthersEnd) {
  must(mount_all());
  const Fd used = open_host(guests_ / "vs/web/etc", O_RDONLY | O_DIRECTORY);
  const auto ended = umount_all();
  EXPECT_EQ(ended.status, 1);
  EXPECT_THAT(ended.err, HasSubstr("vcow: web: "));
  EXPECT_FALSE(is_shown("db"));
  EXPECT_TRUE(is_shown("web"));
}

TEST_F(VcowAll, TakesNoGuestBesides) {
  EXPECT_EQ(vcow("mount", {"--all", "web"}).status, 2);
  EXPECT_EQ(vcow("umount", {"--all", "web"}).status, 2);
}

}  // namespace
}  // namespace vunify::test
