// SPDX-License-Identifier: Apache-2.0
// A guest's database as rpm itself makes it.
#include "tests/packages/asked.h"

namespace vunify::test {
namespace {

using testing::ElementsAre;

const std::string spec =
    "Name: demo\nVersion: 1.1\nRelease: 1\nSummary: demo\nLicense: none\nBuildArch: noarch\nAutoReqProv: no\n"
    "%description\ndemo\n"
    "%install\nmkdir -p %{buildroot}/etc %{buildroot}/usr/bin %{buildroot}/var/lib/demo\n"
    "cd %{buildroot}; touch etc/plain.conf etc/kept.conf etc/lost.conf usr/bin/demo var/lib/demo/db "
    "var/lib/demo/half\n"
    "%files\n%config /etc/plain.conf\n%config(noreplace) /etc/kept.conf\n%config(missingok) /etc/lost.conf\n"
    "%ghost /var/lib/demo/ghost\n%verify(not md5 size mtime) /var/lib/demo/db\n%verify(not md5) /var/lib/demo/half\n"
    "/usr/bin/demo\n";

TEST(RealRpm, IsReadAsItWasMeant) {
  if (!is_root()) GTEST_SKIP() << "needs root";
  const Scratch dir{{"demo.spec", spec}, {"guest/etc/.keep", ""}};
  must(shell("cd " + dir.root() + " && rpmbuild -bb --define '_topdir '$PWD demo.spec && rpm --root $PWD/guest " +
             "--dbpath /var/lib/rpm -i --nosignature RPMS/noarch/*.rpm"));
  EXPECT_EQ(conffiles_in(dir / "guest").unknown, "");
  EXPECT_THAT(paths_in(dir / "guest"), ElementsAre("/etc/kept.conf", "/etc/lost.conf", "/etc/plain.conf",
                                                   "/var/lib/demo/db", "/var/lib/demo/ghost"));
  const auto packages = packages_in(dir / "guest").packages;
  ASSERT_EQ(packages.size(), 1u);
  EXPECT_EQ(packages[0].name + "-" + packages[0].version, "demo-1.1-1");
  EXPECT_THAT(packages[0].files, ElementsAre("/usr/bin/demo", "/var/lib/demo/half"));
}

}  // namespace
}  // namespace vunify::test
