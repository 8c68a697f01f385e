// SPDX-License-Identifier: Apache-2.0
#include "host/schroot.h"

#include "tests/host/host_test.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;

class Schroot : public HostTest {
 protected:
  Words read(const std::string& text) const { return lines(Told{read_schroots(text, "f"), {}}); }
};

TEST_F(Schroot, APlainOneAndADirectoryAreRoots) {
  EXPECT_THAT(read("# comment\n[a]\ntype=directory\ndirectory=/srv/a\nprofile = minimal\n[b]\ndirectory = /srv/b\n"
                   "[c]\ntype=plain\nlocation=/srv/c\n"),
              ElementsAre("schroot:a /srv/a", "schroot:b /srv/b", "schroot:c /srv/c"));
  EXPECT_EQ(read_schroots("[a]\ntype=directory\ndirectory=/srv/a\n", "f")[0].line, 3);
}

TEST_F(Schroot, OtherTypesSayWhyNot) {
  EXPECT_THAT(
      read("[a]\ntype=file\nfile=/a.tgz\n[b]\ntype=zfs-snapshot\n[c]\ntype=btrfs-snapshot\n[d]\ntype=loopback\n"),
      ElementsAre("schroot:a  left alone: an image: mount it and name the directory",
                  "schroot:b  left alone: a filesystem of its own",
                  "schroot:c  left alone: own subvolume: data can be shared, inodes not",
                  "schroot:d  left alone: an image: mount it and name the directory"));
}

TEST_F(Schroot, AUnionIsLeftAloneAndWhoeverHasItsDirectory) {
  dir.write("etc/schroot/chroot.d/build",
            "[build]\ntype=directory\nunion-type=overlay\ndirectory=" + add_root("build") + "\n");
  add_lxc_root("web", dir / "vm/build");
  const auto all = ask();
  EXPECT_EQ(all.guests.at(0).left_alone, reason::overlay);
  EXPECT_EQ(all.guests.at(1).left_alone, reason::overlay) << all.guests[1].name;
  EXPECT_THAT(read("[a]\nunion-type=none\ndirectory=/a\n"), ElementsAre("schroot:a /a"));
}

TEST_F(Schroot, FilesAreNamedAsSchrootWantsThem) {
  for (const auto* name : {"build", "jammy-22.04-amd64", "a_b-C"}) EXPECT_TRUE(is_schroot_file(name)) << name;
  for (const auto* name : {"build~", "build.dpkg-old~", "build.conf", ".build", "a b", ""})
    EXPECT_FALSE(is_schroot_file(name)) << name;
}

TEST_F(Schroot, BothPlacesAreRead) {
  dir.write("etc/schroot/schroot.conf", "[a]\ndirectory=" + add_root("a") + "\n");
  dir.write("etc/schroot/chroot.d/b", "[b]\n\ndirectory=" + add_root("b") + "x\n[c]\ntype=directory\n");
  dir.write("etc/schroot/chroot.d/b~", "[old]\ndirectory=" + dir / "vm/b" + "\n");
  const auto all = ask();
  EXPECT_THAT(lines(all), ElementsAre("schroot:a /vm/a"));
  EXPECT_THAT(
      complaints(all.mistakes),
      ElementsAre(
          "/etc/schroot/chroot.d/b:0: chroot c names no directory",
          "/etc/schroot/chroot.d/b:3: the root of b, /vm/bx, cannot be reached: /vm/bx: No such file or directory"));
}

}  // namespace
}  // namespace vunify::test
