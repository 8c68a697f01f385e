// SPDX-License-Identifier: Apache-2.0
#include "clone/identity.h"

#include <fnmatch.h>

#include <array>
#include <string>

namespace vunify {
namespace {

using enum Treatment;

constexpr std::string_view at_first_boot = "made anew at the first boot";
constexpr std::string_view when_needed = "made anew when it is needed";
constexpr std::string_view of_one_run = "of the last run";
constexpr std::string_view names_the_guest = "names the guest";
constexpr std::string_view of_the_service = "the service's identity: renew it";
constexpr std::string_view host_key = "Debian makes no new one at boot: ssh-keygen -A";

// An empty machine-id is made anew at the next boot, and nothing else happens then; one that is missing, or
// "uninitialized", would be a first boot (machine-id(5)).
constexpr std::array rules = {
    IdentityRule{"/etc/machine-id", reset, at_first_boot},
    IdentityRule{"/var/lib/dbus/machine-id", remove, at_first_boot},
    IdentityRule{"/etc/ssh/ssh_host_*", remove, host_key},
    IdentityRule{"/var/lib/dhcp/*", remove, when_needed},
    IdentityRule{"/var/lib/dhclient/*", remove, when_needed},
    IdentityRule{"/var/lib/dhcpcd/*", remove, when_needed},
    IdentityRule{"/var/lib/dhcpcd5/*", remove, when_needed},
    IdentityRule{"/var/lib/wicked/*", remove, when_needed},
    IdentityRule{"/var/lib/NetworkManager/secret_key", remove, when_needed},
    IdentityRule{"/var/lib/NetworkManager/*.lease", remove, when_needed},
    IdentityRule{"/var/lib/NetworkManager/seen-bssids", remove, when_needed},
    IdentityRule{"/var/lib/NetworkManager/timestamps", remove, when_needed},
    IdentityRule{"/var/lib/systemd/network/*", remove, when_needed},
    IdentityRule{"/var/lib/systemd/random-seed", remove, when_needed},
    IdentityRule{"/var/lib/systemd/credential.secret", remove, when_needed},
    IdentityRule{"/var/lib/urandom/random-seed", remove, when_needed},
    IdentityRule{"/var/lib/misc/random-seed", remove, when_needed},
    IdentityRule{"/etc/udev/rules.d/70-persistent-*", remove, when_needed},
    IdentityRule{"/etc/adjtime", remove, when_needed},
    IdentityRule{"/etc/iscsi/initiatorname.iscsi", remove, "iscsi-iname makes a new one"},
    IdentityRule{"/etc/nvme/hostnqn", remove, "nvme gen-hostnqn makes a new one"},
    IdentityRule{"/etc/nvme/hostid", remove, "made with hostnqn"},
    IdentityRule{"/etc/lvm/devices/system.devices", remove, "vgimportdevices -a makes a new one"},
    IdentityRule{"/etc/krb5.keytab", remove, "join the realm anew"},
    IdentityRule{"/var/lib/sss/db/*", remove, when_needed},
    IdentityRule{"/var/lib/sss/secrets/*", remove, when_needed},
    IdentityRule{"/etc/pki/consumer/*", remove, "subscription-manager register"},
    IdentityRule{"/etc/sysconfig/rhn/systemid", remove, "register anew"},
    IdentityRule{"/var/lib/yum/uuid", remove, when_needed},
    IdentityRule{"/var/lib/dnf/repos/*/countme", remove, when_needed},
    IdentityRule{"/var/lib/cloud/instance*", remove, at_first_boot},
    IdentityRule{"/var/lib/cloud/sem/*", remove, at_first_boot},
    IdentityRule{"/var/lib/zerotier-one/identity.*", remove, when_needed},
    IdentityRule{"/var/lib/tailscale/tailscaled.state", remove, "tailscale up"},
    IdentityRule{"/var/lib/tor/*/hs_ed25519_secret_key", remove, when_needed},
    IdentityRule{"/var/lib/tor/keys/*", remove, when_needed},
    IdentityRule{"/var/lib/systemd/coredump/*", remove, of_one_run},
    IdentityRule{"/var/crash/*", remove, of_one_run},
    IdentityRule{"/var/spool/abrt/*", remove, of_one_run},
    IdentityRule{"/var/lib/apt/lists/partial/*", remove, of_one_run},
    IdentityRule{"/run/*", remove, of_one_run},
    IdentityRule{"/var/run/*", remove, of_one_run},
    IdentityRule{"/var/*.pid", remove, of_one_run},

    IdentityRule{"/etc/hostname", report, names_the_guest},
    IdentityRule{"/etc/hosts", report, names_the_guest},
    IdentityRule{"/etc/mailname", report, names_the_guest},
    IdentityRule{"/etc/postfix/main.cf", report, "may name the guest: myhostname, mydestination"},
    IdentityRule{"/etc/exim4/update-exim4.conf.conf", report, "may name the guest: dc_other_hostnames"},
    IdentityRule{"/etc/network/interfaces", report, "may hold addresses"},
    IdentityRule{"/etc/systemd/network/*", report, "may hold addresses"},
    IdentityRule{"/etc/netplan/*", report, "may hold addresses"},
    IdentityRule{"/etc/sysconfig/network-scripts/ifcfg-*", report, "may hold addresses, HWADDR and UUID"},
    IdentityRule{"/etc/NetworkManager/system-connections/*", report, "holds a UUID, may hold addresses"},
    IdentityRule{"/etc/mdadm/mdadm.conf", report, "may name the guest: HOMEHOST"},
    IdentityRule{"/etc/popularity-contest.conf", report, "holds MY_HOSTID"},
    IdentityRule{"/etc/ssl/private/ssl-cert-snakeoil.key", report,
                 "make-ssl-cert generate-default-snakeoil --force-overwrite"},
    IdentityRule{"/etc/letsencrypt", report, "certificates of the first guest's names"},
    IdentityRule{"/etc/salt/minion_id", report, of_the_service},
    IdentityRule{"/etc/salt/pki", report, of_the_service},
    IdentityRule{"/etc/puppet/ssl", report, of_the_service},
    IdentityRule{"/etc/puppetlabs/puppet/ssl", report, of_the_service},
    IdentityRule{"/var/lib/puppet/ssl", report, of_the_service},
    IdentityRule{"/etc/chef/client.pem", report, of_the_service},
    IdentityRule{"/etc/wireguard", report, of_the_service},
    IdentityRule{"/var/lib/mysql/auto.cnf", report, "holds server-uuid: remove it before replication"},
    IdentityRule{"/var/lib/postgresql/*/*/global/pg_control", report, "holds the cluster's system identifier"},
    IdentityRule{"/var/lib/rabbitmq/.erlang.cookie", report, of_the_service},
    IdentityRule{"/var/lib/redis/dump.rdb", report, "holds the replication id"},
    IdentityRule{"/var/lib/etcd/*/member", report, of_the_service},
    IdentityRule{"/var/spool/cron/*", report, "runs in both guests now"},
    IdentityRule{"/var/spool/at/*", report, "runs in both guests now"},
    IdentityRule{"/var/mail/*", report, "mail of the first guest"},
    IdentityRule{"/var/spool/postfix/*/?/*", report, "mail that both guests would send"},
    IdentityRule{"/var/spool/exim4/input/*", report, "mail that both guests would send"},
    IdentityRule{"/var/log", report, "logs of the first guest"},
    IdentityRule{"/root/.bash_history", report, "of the first guest"},
};

// Of each pattern, what a path has to begin with: most paths of a guest begin like none.
constexpr auto beginnings = [] {
  std::array<std::string_view, rules.size()> texts;
  for (std::size_t i = 0; i < rules.size(); ++i)
    texts[i] = rules[i].pattern.substr(0, rules[i].pattern.find_first_of("*?["));
  return texts;
}();

bool matches(const IdentityRule& rule, std::string_view path) {
  return ::fnmatch(std::string(rule.pattern).c_str(), std::string(path).c_str(), 0) == 0;
}

}  // namespace

const IdentityRule* find_identity_rule(std::string_view path) {
  for (std::size_t i = 0; i < rules.size(); ++i)
    if (path.starts_with(beginnings[i]) && matches(rules[i], path)) return &rules[i];
  return nullptr;
}

}  // namespace vunify
