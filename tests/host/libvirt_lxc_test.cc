// SPDX-License-Identifier: Apache-2.0
#include "host/libvirt_lxc.h"

#include "host/config_file.h"
#include "tests/host/host_test.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;

std::string domain(const std::string& rest) { return "<domain type='lxc'><name>web</name>\n" + rest + "</domain>\n"; }

std::string root_of(const std::string& type, const std::string& source) {
  return "<devices><filesystem type='" + type + "'><source " + source + "/><target dir='/'/></filesystem></devices>";
}

class LibvirtLxc : public HostTest {
 protected:
  Words read(const std::string& text) const { return lines(Told{{read_libvirt_domain(text, "f")}, {}}); }
  std::string complaint(const std::string& text) const {
    try {
      return "no complaint: " + read(text).front();
    } catch (const Misconfigured& error) {
      return complaints({error.mistake}).front();
    }
  }
};

TEST_F(LibvirtLxc, TheRootIsWhatIsMountedAtTheTop) {
  EXPECT_THAT(
      read(domain("<devices><filesystem type='mount'><source dir='/srv'/><target dir='/srv'/></filesystem>"
                  "<filesystem type='mount'><source dir='/vm/&#x77;eb'/><target dir='/'/></filesystem></devices>")),
      ElementsAre("libvirt-lxc:web /vm/web"));
  EXPECT_EQ(read_libvirt_domain(domain(root_of("mount", "dir='/vm/web'")), "f").line, 2);
}

TEST_F(LibvirtLxc, ImagesAndBlockDevicesAreLeftAlone) {
  for (const auto* type : {"file", "block", "template"})
    EXPECT_THAT(read(domain(root_of(type, "file='/a.img'"))),
                ElementsAre("libvirt-lxc:web  left alone: an image: mount it and name the directory"));
}

TEST_F(LibvirtLxc, ItsRootUserIsMapped) {
  const auto told = read_libvirt_domain(
      domain("<idmap><uid start='0' target='200000' count='9'/></idmap>" + root_of("mount", "dir='/vm/web'")), "f");
  EXPECT_EQ(told.owner, 200000U);
}

TEST_F(LibvirtLxc, IsReadAsDataAlone) {
  EXPECT_EQ(complaint("<!DOCTYPE d [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>" + domain(root_of("mount", "dir='&e;'"))),
            "no complaint: libvirt-lxc:web &e;");
  EXPECT_EQ(complaint("<domain>\n<"), "f:2: is no XML: Could not determine tag type");
  EXPECT_EQ(complaint("<domain type='kvm'/>"), "f:0: is no domain of type lxc");
  EXPECT_EQ(complaint(domain("")), "f:0: mounts no directory at /");
  EXPECT_EQ(complaint(""), "f:1: is no XML: No document element found");
}

TEST_F(LibvirtLxc, AreTheDomainsThatAreDefined) {
  dir.write("etc/libvirt/lxc/web.xml", domain(root_of("mount", "dir='" + add_root("web") + "'")));
  dir.write("etc/libvirt/lxc/gone.xml", domain("\n" + root_of("mount", "dir='/nowhere'")));
  dir.write("etc/libvirt/lxc/autostart/web.xml", "");
  const auto all = ask();
  EXPECT_THAT(lines(all), ElementsAre("libvirt-lxc:web /vm/web"));
  EXPECT_THAT(complaints(all.mistakes), ElementsAre("/etc/libvirt/lxc/gone.xml:3: the root of web, /nowhere, cannot be "
                                                    "reached: /nowhere: No such file or directory"));
}

}  // namespace
}  // namespace vunify::test
