// SPDX-License-Identifier: Apache-2.0
#include "host/lxc_config.h"

#include "host/config_file.h"
#include "tests/host/host_test.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;

TEST(LxcSettings, AreLinesWithAKeyOfLxc) {
  const auto settings = read_lxc_settings("# lxc.a = 1\n\n  lxc.uts.name =\t\"web\"  \nother = 2\nlxc.b=c = d\n", "f");
  ASSERT_EQ(settings.size(), 2U);
  EXPECT_EQ(settings[0].key + "|" + settings[0].value, "lxc.uts.name|web");
  EXPECT_EQ(settings[0].line, 3);
  EXPECT_EQ(settings[1].key + "|" + settings[1].value, "lxc.b|c = d");
}

TEST(LxcRoots, HaveAPrefixOrAreDirectories) {
  const auto text = [](const std::string& value) {
    const auto root = parse_lxc_root(value);
    auto line = root.kind;
    for (const auto& place : root.places) line += " " + place;
    return line;
  };
  EXPECT_EQ(text("/srv/a"), "dir /srv/a");
  EXPECT_EQ(text("dir:/srv/a"), "dir /srv/a");
  EXPECT_EQ(text("dir:dir:/srv/a"), "dir dir:/srv/a");
  EXPECT_EQ(text("/srv/a:b"), "dir /srv/a:b");
  EXPECT_EQ(text("btrfs:/srv/a"), "btrfs /srv/a");
  EXPECT_EQ(text("zfs:tank/a"), "zfs tank/a");
  EXPECT_EQ(text("loop:/srv/a.img"), "loop /srv/a.img");
  EXPECT_EQ(text("overlay:/a/rootfs:/b/delta"), "overlay /a/rootfs /b/delta");
  EXPECT_EQ(text("overlayfs:dir:/a:/b:/c"), "overlay /a /b /c");
}

class LxcConfigs : public HostTest {
 protected:
  LxcConfig config(const std::string& text) const {
    dir.write("web/config", text);
    return read_lxc_config(dir / "web/config");
  }
  std::string complaint(const std::string& text) const {
    try {
      return "no complaint, root " + config(text).root;
    } catch (const Misconfigured& error) {
      return complaints({error.mistake}).front();
    }
  }
};

TEST_F(LxcConfigs, TheLastRootCountsUnderEitherKey) {
  const auto read = config("lxc.rootfs.path = /a\n\nlxc.rootfs = dir:/b  \n");
  EXPECT_EQ(read.root, "dir:/b");
  EXPECT_EQ(read.root_at.line, 3);
  EXPECT_EQ(config("lxc.rootfs.path = /a\nlxc.rootfs.path =\n").root, "");
}

TEST_F(LxcConfigs, RootIsMappedByTheFirstRangeThatHasIt) {
  EXPECT_EQ(config("lxc.idmap = g 0 1 9\nlxc.idmap = u 5 1000 1\nlxc.idmap = u 0 200000 65536\n").root_user, 200000U);
  EXPECT_EQ(config("lxc.id_map = b 0 100000 65536\n").root_user, 100000U);
  EXPECT_EQ(config("lxc.idmap = u 0 200000 65536\nlxc.idmap =\n").root_user, std::nullopt);
  EXPECT_EQ(complaint("\nlxc.idmap = u zero\n"), "/web/config:2: lxc.idmap is not as in `u 0 200000 65536`");
}

TEST_F(LxcConfigs, OptionsTellOfIdmappedMounts) {
  EXPECT_TRUE(config("lxc.rootfs.options = noatime, idmap=container\n").is_idmapped);
  EXPECT_FALSE(config("lxc.rootfs.options = noatime\n").is_idmapped);
}

TEST_F(LxcConfigs, IncludesAreReadInTheirPlace) {
  dir.write("web/more", "lxc.include = ../common\n");
  dir.write("common/b.conf", "lxc.rootfs.path = /b\n");
  dir.write("common/a.conf", "lxc.rootfs.path = /a\nlxc.idmap = u 0 200000 65536\n");
  dir.write("common/c.txt", "lxc.rootfs.path = /c\n");
  EXPECT_EQ(config("lxc.include = more\n").root, "/b");
  EXPECT_EQ(config("lxc.include = more\n").root_at.file, dir / "common/b.conf");
  EXPECT_EQ(config("lxc.include = " + dir / "web/more" + "\n").root_user, 200000U);
  EXPECT_EQ(config("lxc.include = more\nlxc.rootfs.path = /mine\n").root, "/mine");
  EXPECT_EQ(config("lxc.rootfs.path = /mine\nlxc.include = more\n").root, "/b");
}

TEST_F(LxcConfigs, AFileIsIncludedTwiceButNotInItself) {
  dir.write("web/more", "lxc.rootfs.path = /b\n");
  EXPECT_EQ(config("lxc.include = more\nlxc.include = more\n").root, "/b");
  EXPECT_EQ(complaint("\nlxc.include = config\n"), "/web/config:2: includes /web/config, which includes itself");
  dir.write("web/more", "lxc.include = ./config\n");
  EXPECT_EQ(complaint("lxc.include = more\n"), "/web/more:1: includes /web/config, which includes itself");
  link("web/again", "config");
  EXPECT_EQ(complaint("lxc.include = again\n"), "/web/again:1: includes /web/again, which includes itself");
}

TEST_F(LxcConfigs, NothingThatIsNoFileIsWaitedFor) {
  shell_or_fail("mkfifo " + dir / "fifo");
  EXPECT_EQ(complaint("lxc.include = ../fifo\n"), "/web/config:1: includes /fifo, which is not a regular file");
  EXPECT_EQ(complaint("lxc.include = /dev/zero\n"), "/web/config:1: includes /dev/zero, which is not a regular file");
  EXPECT_EQ(complaint("lxc.include = gone\n"), "/web/config:1: includes /web/gone, which is not there");
}

TEST_F(LxcConfigs, ADirectoryOfTenThousandFilesIsTooMany) {
  const Scratch many({}, "/dev/shm");
  shell_or_fail("cd " + many.root() + " && seq -f %g.conf 10000 | xargs touch");
  EXPECT_EQ(complaint("lxc.include = " + many.root() + "\n"),
            "/web/config:1: includes " + many / "1227.conf" + ", which is one of more than 256 files");
}

TEST_F(LxcConfigs, OddBytesAreNoWayIn) {
  EXPECT_EQ(config("\xef\xbb\xbflxc.rootfs.path = /a\r\nlxc.rootfs.options = idmap=container\r\n").root, "/a");
  EXPECT_EQ(complaint(std::string("lxc.rootfs.path = /a\nlxc.x = \0\n", 31)), "/web/config:2: has a NUL byte");
  EXPECT_EQ(complaint("lxc.x = " + std::string(1 << 20, 'x')), "/web/config:0: is longer than 1 MiB");
  EXPECT_EQ(complaint("\nlxc.x = " + std::string(5000, 'x')), "/web/config:2: is a line of more than 4096 bytes");
  EXPECT_EQ(complaint("lxc.rootfs.path /a\n"), "/web/config:1: has no `=`");
}

TEST_F(LxcConfigs, WhatIsNotRootsIsNotBelieved) {
  dir.write("alices", "lxc.rootfs.path = /\n");
  shell_or_fail("chown 1000 " + dir / "alices");
  EXPECT_EQ(complaint("lxc.include = ../alices\n"), "/web/config:1: includes /alices, which is not owned by root");
}

}  // namespace
}  // namespace vunify::test
