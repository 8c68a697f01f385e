// SPDX-License-Identifier: Apache-2.0
// Which names make a guest this one guest.
#include "clone/identity.h"

#include <gtest/gtest.h>

namespace vunify::test {
namespace {

// Nothing: simply cloned.
std::optional<Treatment> treatment_of(std::string_view path) {
  const auto* const rule = find_identity_rule(path);
  return rule == nullptr ? std::nullopt : std::optional(rule->treatment);
}

TEST(Identity, IsResetWhereItIsMadeAnewByItself) {
  EXPECT_EQ(treatment_of("/etc/machine-id"), Treatment::reset);
  for (const auto* path :
       {"/etc/ssh/ssh_host_ed25519_key", "/etc/ssh/ssh_host_rsa_key.pub", "/etc/adjtime", "/var/lib/dbus/machine-id",
        "/var/lib/systemd/random-seed", "/var/lib/dhcp/dhclient.leases", "/etc/udev/rules.d/70-persistent-net.rules",
        "/var/lib/NetworkManager/x-eth0.lease", "/run/sshd.pid", "/run/systemd/units/x", "/var/lib/mysql/host.pid"})
    EXPECT_EQ(treatment_of(path), Treatment::remove) << path;
}

TEST(Identity, IsToldWhereItWouldHaveToBeGuessed) {
  for (const auto* path : {"/etc/hostname", "/etc/hosts", "/var/spool/cron/crontabs/root", "/var/lib/mysql/auto.cnf",
                           "/etc/wireguard", "/etc/netplan/50-cloud-init.yaml"})
    EXPECT_EQ(treatment_of(path), Treatment::report) << path;
}

TEST(Identity, IsNotTakenForWhatLooksLikeIt) {
  for (const auto* path : {"/etc/ssh/sshd_config", "/etc/machine-id.bak", "/srv/etc/machine-id", "/usr/run/x",
                           "/etc/udev/rules.d/60-x.rules", "/home/u/x.pid", "/", ""})
    EXPECT_EQ(treatment_of(path), std::nullopt) << path;
}

}  // namespace
}  // namespace vunify::test
