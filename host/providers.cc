// SPDX-License-Identifier: Apache-2.0
#include "host/providers.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "host/check_roots.h"
#include "host/config_file.h"
#include "host/incus.h"
#include "host/libvirt_lxc.h"
#include "host/lxc.h"
#include "host/nspawn.h"
#include "host/podman.h"
#include "host/schroot.h"
#include "host/unify_config.h"
#include "host/vserver.h"
#include "packages/lines.h"

namespace vunify {
namespace {

Told vservers(const std::string& config) {
  auto [guests, mistakes] = vserver_guests(config);
  Told told{{}, std::move(mistakes)};
  for (auto& guest : guests) {
    const auto file = guest.config, vdir = file + "/vdir";
    told.guests.push_back({.guest = std::move(guest), .file = file, .way = is_there(vdir) ? vdir : ""});
  }
  return told;
}

Told ask(const std::string& provider, const std::string& config, const std::string& host) {
  if (provider == "vserver") return vservers(config);
  if (provider == "nspawn") return nspawn_guests(host);
  if (provider == "lxc") return lxc_guests(host);
  if (provider == "schroot") return schroot_guests(host);
  if (provider == "libvirt-lxc") return libvirt_lxc_guests(host);
  if (provider == "incus") return incus_guests(host);
  if (provider == "lxd") return lxd_guests(host);
  return podman_guests(host);
}

void add(Told& all, Told told) {
  std::ranges::move(told.guests, std::back_inserter(all.guests));
  std::ranges::move(told.mistakes, std::back_inserter(all.mistakes));
}

// Nothing where nobody says it.
std::optional<std::vector<std::string>> read_providers(const std::string& file, std::vector<Mistake>& mistakes) {
  const auto text = read_config(file);
  if (!text) return std::nullopt;
  std::vector<std::string> providers;
  std::string_view rest = *text;
  for (int line = 1; !rest.empty(); ++line) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const std::string word(without_blanks(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (word.empty() || word.starts_with('#')) continue;
    if (std::ranges::find(provider_names, word) == provider_names.end())
      mistakes.push_back({file, line, "is no provider: " + word});
    else
      providers.push_back(word);
  }
  return providers;
}

std::vector<std::string> configured_providers(const std::string& config, Told& told) {
  const auto file = config + "/.defaults/apps/vunify/providers";
  auto providers = std::optional(std::vector<std::string>());  // where it cannot be read, nobody is asked
  told.add(file, [&] { providers = read_providers(file, told.mistakes); });
  return providers.value_or(provider_names);
}

// The default ones: a vserver alone has a place for its own. Nobody is unified while something is wrong with them.
void give_rules(Told& told, const std::string& config) {
  if (told.guests.empty()) return;
  auto guests = std::exchange(told.guests, {});
  told.add(config, [&] {
    const auto rules = read_unify_config(config, "");
    for (auto& one : guests) one.guest.unify = rules;
    told.guests = std::move(guests);
  });
}

}  // namespace

HostGuests host_guests(const std::string& config, const std::vector<std::string>& providers, const std::string& host) {
  Told told, others;
  const auto asked = providers.empty() ? configured_providers(config, told) : providers;
  for (const auto& provider : provider_names)
    if (std::ranges::find(asked, provider) != asked.end())
      add(provider == "vserver" ? told : others, ask(provider, config, host));
  give_rules(others, config);
  add(told, std::move(others));
  return check_roots(std::move(told), config);
}

}  // namespace vunify
