// SPDX-License-Identifier: Apache-2.0
#include "fleet/fleet_key.h"

#include <gmock/gmock.h>

namespace vunify::test {
namespace {

const std::string a_secret(32, 's'), other_secret(32, 'o');

TEST(FleetKeys, GiveAContentTheSameNumberOnAllHosts) {
  EXPECT_EQ(FleetKey(a_secret).number_of("usr/bin/tool"), FleetKey(a_secret).number_of("usr/bin/tool"));
  EXPECT_NE(FleetKey(a_secret).number_of("usr/bin/tool"), FleetKey(a_secret).number_of("usr/bin/tool2"));
  EXPECT_NE(FleetKey(a_secret).number_of("usr/bin/tool"), FleetKey(other_secret).number_of("usr/bin/tool"));
}

TEST(FleetKeys, AreToldApartByWhatDoesNotTellThem) {
  EXPECT_NE(FleetKey(a_secret).id(), FleetKey(other_secret).id());
  EXPECT_EQ(FleetKey(a_secret).id().size(), 32u);
  EXPECT_EQ(FleetKey(a_secret).id().find('s'), std::string::npos);
}

TEST(FleetKeys, HideNames) {
  EXPECT_EQ(FleetKey(a_secret).hidden("web"), FleetKey(a_secret).hidden("web"));
  EXPECT_NE(FleetKey(a_secret).hidden("web"), FleetKey(other_secret).hidden("web"));
  EXPECT_THAT(FleetKey(a_secret).hidden("web"), testing::MatchesRegex("hidden-[0-9a-f]+"));
}

TEST(Identities, DoNotTellTheMachineId) {
  const std::string machine = "0123456789abcdef0123456789abcdef";
  EXPECT_EQ(identity_of(machine), identity_of(machine));
  EXPECT_NE(identity_of(machine), machine);
  EXPECT_NE(identity_of(machine), identity_of("1" + machine.substr(1)));
}

}  // namespace
}  // namespace vunify::test
