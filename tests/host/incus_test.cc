// SPDX-License-Identifier: Apache-2.0
#include "host/incus.h"

#include "tests/host/host_test.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;

std::string backup(const std::string& driver, const std::string& idmap = "[]") {
  return "container:\n  config:\n    volatile.last_state.idmap: '" + idmap +
         "'\n  name: web\npool:\n  config:\n    driver_is: x\n  name: default\n  driver: " + driver +
         "\nvolume:\n  driver: other\n";
}

const std::string shifted_map = R"([{"Isuid":false,"Isgid":true,"Hostid":7,"Nsid":0,"Maprange":65536},)"
                                R"({"Isuid":true,"Isgid":false,"Hostid":1000000,"Nsid":0,"Maprange":65536}])";

TEST(IncusBackups, TellThePoolsDriverAndWhomRootIsMappedTo) {
  EXPECT_EQ(read_incus_backup(backup("dir")).driver, "dir");
  EXPECT_EQ(read_incus_backup(backup("dir")).owner, 0U);
  EXPECT_EQ(read_incus_backup(backup("dir", shifted_map)).owner, 1000000U);
  EXPECT_EQ(read_incus_backup(backup("dir", "[{")).owner, 0U);
  EXPECT_EQ(read_incus_backup("").driver, "");
}

class Incus : public HostTest {
 protected:
  void add(const std::string& place, const std::string& driver, const std::string& idmap = "[]") const {
    dir.make_directory("var/" + place + "/rootfs");
    dir.write("var/" + place + "/backup.yaml", backup(driver, idmap));
  }
};

TEST_F(Incus, OfDirectoryPoolsHaveTheirRootsThere) {
  add("lib/incus/storage-pools/default/containers/web", "dir");
  add("lib/incus/storage-pools/default/containers/dev_web", "dir");
  add("lib/incus/storage-pools/default/containers-snapshots/web/snap0", "dir");
  add("lib/lxd/storage-pools/one/containers/db", "dir", shifted_map);
  add("snap/lxd/common/lxd/storage-pools/two/containers/mail", "dir");
  shell_or_fail("chown 1000000 " + dir / "var/lib/lxd/storage-pools/one/containers/db/rootfs");
  EXPECT_THAT(lines(ask()), ElementsAre("lxd:db /var/lib/lxd/storage-pools/one/containers/db/rootfs no links: owners "
                                        "shifted by 1000000: idmapped mounts or reflink",
                                        "incus:dev_web /var/lib/incus/storage-pools/default/containers/dev_web/rootfs",
                                        "lxd:mail /var/snap/lxd/common/lxd/storage-pools/two/containers/mail/rootfs",
                                        "incus:web /var/lib/incus/storage-pools/default/containers/web/rootfs"));
}

TEST_F(Incus, OfOtherPoolsSayWhyNot) {
  const std::string pool = "lib/incus/storage-pools/p/containers/";
  add(pool + "a", "btrfs");
  add(pool + "b", "zfs");
  add(pool + "c", "lvm");
  dir.make_directory("var/" + pool + "stopped");
  dir.make_directory("var/" + pool + "young/rootfs");
  const auto all = ask().guests;
  ASSERT_EQ(all.size(), 5U);
  EXPECT_EQ(all[0].no_links, reason::own_subvolume);
  EXPECT_EQ(all[1].left_alone, reason::own_filesystem);
  EXPECT_EQ(all[2].left_alone, reason::image);
  EXPECT_EQ(all[3].left_alone, reason::image);
  EXPECT_EQ(all[4].left_alone, reason::incomplete);
}

TEST_F(Incus, OneContainerUnderTwoPathsIsOne) {
  add("snap/lxd/common/lxd/storage-pools/p/containers/web", "dir");
  link("var/lib/lxd", dir / "var/snap/lxd/common/lxd");
  EXPECT_THAT(lines(ask()), ElementsAre("lxd:web /var/snap/lxd/common/lxd/storage-pools/p/containers/web/rootfs"));
}

}  // namespace
}  // namespace vunify::test
