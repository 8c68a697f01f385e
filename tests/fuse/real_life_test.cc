// SPDX-License-Identifier: Apache-2.0
// What is done in guests all day, by the programs that do it: two guests side by side on vcow, adopted and unified. One
// has its packages reinstalled, gets a user, its linker cache, edited files, a repository, a database; the other
// notices nothing, and unmounted vunify makes what is equal again one. ./dev life does it with whole Debian guests.
#include <gmock/gmock.h>

#include "tests/root_test.h"

namespace vunify::test {
namespace {

// A root that has a package of ten files installed, some system files, and libraries of this machine.
constexpr auto furnish = R"sh(
  set -e
  mkdir -p p/DEBIAN p/usr/bin p/etc one/etc one/usr/lib one/var/lib/dpkg/info one/var/lib/dpkg/updates one/home
  printf 'Package: tools\nVersion: 1\nArchitecture: all\nMaintainer: t\nDescription: t\n' > p/DEBIAN/control
  for i in 1 2 3 4 5 6 7 8 9; do head -c 20000 /dev/zero | tr '\0' $i > p/usr/bin/tool$i; done
  chmod 4755 p/usr/bin/tool9
  echo setting > p/etc/tools.conf
  echo /etc/tools.conf > p/DEBIAN/conffiles
  dpkg-deb --root-owner-group -b p tools.deb
  touch one/var/lib/dpkg/status one/var/lib/dpkg/available
  dpkg --root="$PWD/one" -i tools.deb
  cp /lib/*-linux-gnu/lib[cm].so.6 one/usr/lib/
  echo root:x:0:0::/root:/bin/sh > one/etc/passwd
  echo root:x:0: > one/etc/group
  echo 'root:*:1:0:99999:7:::' > one/etc/shadow
  echo /usr/lib > one/etc/ld.so.conf
  echo 'one=1' > one/etc/settings
  cp -a one two
)sh";

class RealLife : public RootTestOn {
 protected:
  void SetUp() override {
    RootTestOn::SetUp();
    if (IsSkipped()) return;
    if (!fs_.ok()) GTEST_SKIP() << fs_.reason();
    must(in_dir(furnish));
    must(run({"vcow", "adopt", "--state", dir() / "state", dir() / "one", dir() / "two"}));
    unify();
    for (const auto* guest : {"one", "two"}) must(run({"vcow", "mount", "-o", options(), dir() / guest}));
    before_ = image_of(dir() / "two");
  }
  void TearDown() override {
    if (IsSkipped()) return;
    unmount();
  }

  Finished in_dir(const std::string& script) const { return shell("cd " + dir().root() + "\n" + script); }
  const char* options() const { return GetParam() == std::string("passthrough") ? "rw" : GetParam(); }
  const Scratch& dir() const { return dir_; }
  void unify() const { must(run({"vunify", "-q", "--state", dir() / "state", dir() / "one", dir() / "two"})); }
  void unmount() const { must(in_dir(unmounted_ + "; " + ended_)); }
  bool is_one(const std::string& path) const {
    return dir_.inode(".vcow/one/" + path).ino == dir_.inode(".vcow/two/" + path).ino;
  }
  void expect_the_other_unchanged() const { EXPECT_EQ(image_of(dir() / "two"), before_); }

 private:
  // Who looks at all mounts at this moment is in these (vcow list, in a test beside).
  const std::string unmounted_ = "for guest in one two; do while mountpoint -q $guest; do umount $guest; done; done";
  // Both daemons: each holds its tree locked as long as it lives.
  const std::string ended_ = "flock -w 120 .vcow/one true && flock -w 120 .vcow/two true";
  LoopFs fs_{"ext4", 320};
  Scratch dir_{Scratch::Files{}, fs_.ok() ? fs_.root() : "/var/tmp"};
  std::map<std::string, std::string> before_;
};

TEST_P(RealLife, APackageIsReinstalled) {
  must(in_dir(R"sh(dpkg --root="$PWD/one" -i tools.deb)sh"));
  EXPECT_EQ(in_dir(R"sh(dpkg --root="$PWD/one" -V tools; dpkg --root="$PWD/two" -V tools)sh").out, "");
  EXPECT_EQ(dir().inode("one/usr/bin/tool9").mode & 07777, 04755u);
  expect_the_other_unchanged();
  unmount();
  EXPECT_FALSE(is_one("usr/bin/tool1"));
  unify();
  for (const auto* path : {"usr/bin/tool1", "usr/bin/tool9", "usr/lib/libc.so.6"}) EXPECT_TRUE(is_one(path)) << path;
}

TEST_P(RealLife, TheSystemIsChanged) {
  must(in_dir(
      R"sh(useradd --prefix "$PWD/one" -m -k /nonexistent demo && ldconfig -r one && sed -i s/1/2/ one/etc/settings)sh"));
  EXPECT_THAT(dir().read("one/etc/passwd"), testing::HasSubstr("demo:"));
  EXPECT_EQ(dir().read("one/etc/settings"), "one=2\n");
  EXPECT_TRUE(dir().exists("one/etc/ld.so.cache"));
  expect_the_other_unchanged();
  unmount();
  EXPECT_FALSE(is_one("etc/settings"));
  EXPECT_TRUE(is_one("etc/ld.so.conf"));
}

TEST_P(RealLife, ARepositoryIsMadeOfSharedFiles) {
  must(in_dir(
      R"sh(cd one && git init -q . && git add usr etc && git -c user.name=t -c user.email=t@t commit -q -m first &&
    echo more >> usr/bin/tool1 && git -c user.name=t -c user.email=t@t commit -q -a -m second && git fsck --strict &&
    git checkout -q HEAD~1 && [ -z "$(git status --porcelain -uno)" ])sh"));
  EXPECT_EQ(dir().read("one/usr/bin/tool1"), dir().read("two/usr/bin/tool1"));
  expect_the_other_unchanged();
}

TEST_P(RealLife, ADatabaseIsWrittenTo) {
  must(in_dir(R"sh(sqlite3 one/home/db 'pragma journal_mode=wal; create table t(a, b);
    with recursive n(i) as (select 1 union all select i + 1 from n where i < 5000) insert into t select i, hex(i) from n;
    delete from t where a % 3 = 0; vacuum;' && [ "$(sqlite3 one/home/db 'pragma integrity_check')" = ok ])sh"));
  must(in_dir(
      R"sh(cp one/home/db one/home/copy && sqlite3 one/home/copy 'update t set b = 1' && sync one/home/copy)sh"));
  EXPECT_EQ(in_dir("sqlite3 one/home/db 'select count(*) from t'").out, "3334\n");
  expect_the_other_unchanged();
}

INSTANTIATE_TEST_SUITE_P(BothWays, RealLife, testing::Values("passthrough", "nopassthrough"), name_of_each);

}  // namespace
}  // namespace vunify::test
