// SPDX-License-Identifier: Apache-2.0
#include "tools/list.h"

#include <gmock/gmock.h>

#include "tools/json_bytes.h"
#include "tools/named_guest.h"

namespace vunify {
namespace {

using testing::HasSubstr;
using testing::Not;

const ListedGuest web{.provider = "vserver",
                      .name = "web",
                      .root = "/vservers/web",
                      .xid = 40001,
                      .is_running = true,
                      .protection = "reflink"};
const ListedGuest lab{.provider = "lxc", .name = "lab", .left_alone = "an image: mount it and name the directory"};

TEST(List, IsATable) {
  EXPECT_EQ(list_text({web, lab}),
            "guest  provider  xid    state    protection  root\n"
            "web    vserver   40001  running  reflink     /vservers/web\n"
            "lab    lxc       -      stopped  -           -\n"
            "    left alone: an image: mount it and name the directory\n");
  EXPECT_EQ(list_text({}), "no guests\n");
}

TEST(List, SaysInAWordWhyAGuestIsProtectedSo) {
  auto guest = web;
  guest.protection_reason = "auto";
  EXPECT_THAT(list_text({guest}), HasSubstr("running  reflink, auto  /vservers/web"));
}

TEST(List, SaysWhyAGuestIsOtherwise) {
  auto guest = web;
  guest.is_off = true;
  guest.no_links = "own subvolume: data can be shared, inodes not";
  guest.protection = "none";
  guest.protection_reason = "this kernel has no iunlink";
  guest.also_known = {"lxc:www"};
  EXPECT_EQ(list_text({guest}),
            "guest  provider  xid    state         protection  root\n"
            "web    vserver   40001  running, off  -           /vservers/web\n"
            "    off: taken back by -R; name it to unify it again\n"
            "    own subvolume: data can be shared, inodes not\n"
            "    this kernel has no iunlink\n"
            "    also known as lxc:www\n");
}

TEST(List, NamesTheProviderWhereTwoHaveOneName) {
  auto other = web;
  other.provider = "lxc";
  EXPECT_EQ(name_among(web, {web, lab}), "web");
  EXPECT_EQ(name_among(web, {web, lab, other}), "vserver:web");
  EXPECT_THAT(list_text({web, lab, other}), HasSubstr("lxc:web      lxc       40001"));
}

TEST(List, IsHarmlessForATerminal) {
  auto guest = web;
  guest.name = "a\nb\x1b[31m";
  guest.root = "/vm/a\nb";
  guest.also_known = {"lxc:\x1b]0;x"};
  const auto text = list_text({guest});
  EXPECT_THAT(text, HasSubstr("a\\nb\\x1B[31m  vserver"));
  EXPECT_THAT(text, HasSubstr("/vm/a\\nb\n"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(List, IsOneObjectForPrograms) {
  const auto json = Json::parse(list_json({web, lab}));
  EXPECT_EQ(json.at("schema"), 1);
  const auto& first = json.at("guests").at(0);
  EXPECT_EQ(first.at("name"), "web");
  EXPECT_EQ(first.at("root"), "/vservers/web");
  EXPECT_EQ(first.at("xid"), 40001);
  EXPECT_EQ(first.at("running"), true);
  EXPECT_EQ(first.at("off"), false);
  EXPECT_EQ(first.at("protection"), "reflink");
  EXPECT_EQ(first.at("left_alone"), nullptr);
  const auto& second = json.at("guests").at(1);
  EXPECT_EQ(second.at("root"), nullptr);
  EXPECT_EQ(second.at("xid"), nullptr);
  EXPECT_EQ(second.at("left_alone"), "an image: mount it and name the directory");
}

TEST(List, KeepsNamesThatAreNoUtf8) {
  auto guest = web;
  guest.name = "w\xff";
  const auto json = Json::parse(list_json({guest}));
  EXPECT_EQ(bytes_at(json.at("guests").at(0), "name"), "w\xff");
}

}  // namespace
}  // namespace vunify
