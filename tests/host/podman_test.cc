// SPDX-License-Identifier: Apache-2.0
#include "host/podman.h"

#include "host/config_file.h"
#include "tests/host/host_test.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::string container = R"([{"id":"c1","names":["web","also"],"image":"i1","layer":"l1"}])";

class Podman : public HostTest {
 protected:
  void write_list(const std::string& driver, const std::string& text, const std::string& storage = "") const {
    dir.write((storage.empty() ? "var/lib/containers/storage" : storage) + "/" + driver + "-containers/containers.json",
              text);
  }
};

TEST_F(Podman, OfTheVfsDriverHaveAWholeTree) {
  write_list("vfs", container);
  dir.make_directory("var/lib/containers/storage/vfs/dir/l1");
  dir.make_directory("var/lib/containers/storage/vfs/dir/image-layer");
  EXPECT_THAT(lines(ask()), ElementsAre("podman:web /var/lib/containers/storage/vfs/dir/l1"));
}

TEST_F(Podman, OfTheOverlayDriverAreLeftAlone) {
  write_list("overlay", container);
  EXPECT_THAT(lines(ask()), ElementsAre("podman:web  left alone: overlay: its layers are shared already and must not "
                                        "change while mounted"));
}

TEST_F(Podman, OneWithARootElsewhereIsNotTold) {
  write_list("vfs", R"([{"id":"c1","names":["rooted"],"image":"","layer":"l1"}])");
  dir.make_directory("var/lib/containers/storage/vfs/dir/l1");
  EXPECT_THAT(lines(ask()), IsEmpty());
  EXPECT_THAT(ask().mistakes, IsEmpty());
}

TEST_F(Podman, AreWhereTheStorageIs) {
  dir.write("etc/containers/storage.conf", "[storage]\ndriver = \"vfs\"\ngraphroot = \"" + dir / "srv/pods" +
                                               "\"\n[storage.options]\ngraphroot = 1\n");
  write_list("vfs", R"([{"id":"c2","image":"i","layer":"l2","uidmap":[{"container_id":0,"host_id":200000,"size":9}]}])",
             "srv/pods");
  dir.make_directory("srv/pods/vfs/dir/l2");
  shell_or_fail("chown 200000 " + dir / "srv/pods/vfs/dir/l2");
  EXPECT_THAT(lines(ask()), ElementsAre("podman:c2 /srv/pods/vfs/dir/l2 no links: owners shifted by 200000: idmapped "
                                        "mounts or reflink"));
}

TEST_F(Podman, AListThatIsNoneIsAMistake) {
  write_list("vfs", "[{");
  EXPECT_THAT(complaints(ask().mistakes),
              ElementsAre("/var/lib/containers/storage/vfs-containers/containers.json:0: is "
                          "not podman's list of containers"));
  write_list("vfs", R"([{"id":"c1","image":"i","layer":"../../../etc"}])");
  EXPECT_THAT(complaints(ask().mistakes),
              ElementsAre("/var/lib/containers/storage/vfs-containers/containers.json:0: a layer has no name"));
  EXPECT_THAT(ask().guests, IsEmpty());
}

TEST_F(Podman, ALongListIsOneLine) {
  std::string list = "[";
  for (int i = 0; i < 200; ++i) list += R"({"id":"c)" + std::to_string(i) + R"(","image":"i","layer":"l","names":[]},)";
  list.back() = ']';
  write_list("overlay", list);
  EXPECT_EQ(ask().guests.size(), 200U);
}

}  // namespace
}  // namespace vunify::test
