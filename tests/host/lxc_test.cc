// SPDX-License-Identifier: Apache-2.0
#include "host/lxc.h"

#include "tests/host/host_test.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Lxc : public HostTest {
 protected:
  HostGuests containers() const { return ask({"lxc"}); }
};

TEST_F(Lxc, AreTheDirectoriesWithAConfig) {
  add_lxc_root("web", add_root("web") + "   ");
  dir.make_directory("var/lib/lxc/empty");
  dir.write("var/lib/lxc/web/snaps/snap0/config", "lxc.rootfs.path = /nowhere\n");
  EXPECT_THAT(lines(containers()), ElementsAre("lxc:web /vm/web"));
  EXPECT_EQ(containers().guests[0].config, dir / "var/lib/lxc/web/config");
  EXPECT_THAT(containers().mistakes, IsEmpty());
}

TEST_F(Lxc, LieWhereLxcConfSays) {
  dir.write("etc/lxc/lxc.conf", "lxc.lxcpath = " + dir / "srv" + "\n");
  dir.write("srv/db/config", "lxc.rootfs.path = dir:" + add_root("db") + "\n");
  add_lxc_root("web", add_root("web"));
  EXPECT_THAT(lines(containers()), ElementsAre("lxc:db /vm/db"));
  dir.write("etc/lxc/lxc.conf", "lxc.lxcpath = srv\n");
  EXPECT_THAT(complaints(containers().mistakes),
              ElementsAre("/etc/lxc/lxc.conf:1: lxc.lxcpath is not an absolute path"));
}

TEST_F(Lxc, WhatCannotBeUnifiedSaysWhy) {
  add_lxc_root("a", "loop:/srv/a.img");
  add_lxc_root("b", "zfs:tank/b");
  add_lxc_root("c", "overlay:/srv/l1/rootfs:/srv/c/delta");
  add_lxc_root("d", "rbd:pool/d");
  add_lxc_root("e", add_root("e"));
  dir.write("var/lib/lxc/e/partial", "");
  dir.write("vm/f.img", "");
  add_lxc_root("f", dir / "vm/f.img");
  EXPECT_THAT(
      lines(containers()),
      ElementsAre("lxc:a  left alone: an image: mount it and name the directory",
                  "lxc:b  left alone: a filesystem of its own",
                  "lxc:c  left alone: overlay: its layers are shared already and must not change while mounted",
                  "lxc:d  left alone: an image: mount it and name the directory", "lxc:e  left alone: not complete",
                  "lxc:f /vm/f.img left alone: an image: mount it and name the directory"));
}

TEST_F(Lxc, ALayerOfAnotherContainersOverlayIsLeftAlone) {
  add_lxc_root("base", add_root("base"));
  add_lxc_root("copy", "overlay:" + dir / "vm/base" + ":" + dir / "vm/copy/delta");
  add_lxc_root("other", add_root("other"));
  const auto all = containers();
  EXPECT_EQ(all.guests[0].left_alone, reason::overlay) << all.guests[0].name;
  EXPECT_EQ(all.guests[2].left_alone, "") << all.guests[2].name;
}

TEST_F(Lxc, AMappedRootMayOwnItsTree) {
  add_lxc("web", "lxc.rootfs.path = " + add_root("web") + "\nlxc.idmap = u 0 200000 65536\n");
  EXPECT_THAT(lines(containers()), ElementsAre("lxc:web /vm/web")) << "not shifted";
  shell_or_fail("chown 200000 " + dir / "vm/web");
  EXPECT_THAT(lines(containers()),
              ElementsAre("lxc:web /vm/web no links: owners shifted by 200000: idmapped mounts or reflink"));
  add_lxc("web", "lxc.rootfs.path = " + dir / "vm/web" +
                     "\nlxc.idmap = u 0 200000 65536\nlxc.rootfs.options = idmap=container\n");
  EXPECT_THAT(
      complaints(containers().mistakes),
      ElementsAre("/var/lib/lxc/web/config:1: the root of web, /vm/web, is owned by user 200000, who is neither "
                  "root nor the guest's root"));
}

TEST_F(Lxc, AMistakeIsOfOneContainerAlone) {
  add_lxc("bare", "lxc.uts.name = bare\n");
  add_lxc("loop", "lxc.include = config\n");
  add_lxc_root("web", add_root("web"));
  EXPECT_THAT(lines(containers()), ElementsAre("lxc:web /vm/web"));
  EXPECT_THAT(complaints(containers().mistakes),
              ElementsAre("/var/lib/lxc/bare/config:0: names no lxc.rootfs.path",
                          "/var/lib/lxc/loop/config:1: includes /var/lib/lxc/loop/config, which includes itself"));
}

TEST_F(Lxc, TheRootIsNamedWithTheFileAndLineThatSaysIt) {
  dir.write("var/lib/lxc/web/more", "\nlxc.rootfs.path = rootfs\n");
  add_lxc("web", "lxc.include = more\n");
  EXPECT_THAT(complaints(containers().mistakes),
              ElementsAre("/var/lib/lxc/web/more:2: the root of web, rootfs, is not an absolute path"));
}

TEST_F(Lxc, OfAUsersOwnNothingIsRead) {
  dir.write("etc/passwd", "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\nbob:x:1:1::/bob:\n");
  dir.make_directory("home/alice/.local/share/lxc/web");
  shell_or_fail("mkfifo " + dir / "home/alice/.local/share/lxc/web/config");
  dir.make_directory("root/.local/share/lxc/roots");
  link("bob/.local/share/lxc", dir / "vm");
  add_root("hidden");
  EXPECT_THAT(lines(containers()), ElementsAre("lxc:alice/web  left alone: a user's own LXC path"));
  EXPECT_THAT(containers().mistakes, IsEmpty());
}

TEST_F(Lxc, APathThatAUserOwnsIsTheUsers) {
  dir.write("srv/web/config", "lxc.rootfs.path = /\n");
  dir.write("etc/lxc/lxc.conf", "lxc.lxcpath = " + dir / "srv" + "\n");
  shell_or_fail("chown 1000 " + dir / "srv");
  EXPECT_THAT(lines(containers()), ElementsAre("lxc:web  left alone: a user's own LXC path"));
}

}  // namespace
}  // namespace vunify::test
