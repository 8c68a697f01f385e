// SPDX-License-Identifier: Apache-2.0
// A host in a scratch directory: its /etc and /var, and roots of guests in vm/.
#pragma once

#include <gmock/gmock.h>

#include <filesystem>
#include <string>
#include <vector>

#include "host/providers.h"
#include "host/told.h"
#include "tests/root_test.h"

namespace vunify::test {

class HostTest : public RootTest {
 protected:
  using Words = std::vector<std::string>;

  void link(const std::string& path, const std::string& target) const {
    std::filesystem::create_directories(std::filesystem::path(dir / path).parent_path());
    std::filesystem::create_symlink(target, dir / path);
  }
  // Returns the root's path.
  std::string add_root(const std::string& name) const {
    dir.make_directory("vm/" + name);
    return dir / ("vm/" + name);
  }
  void add_lxc(const std::string& name, const std::string& config) const {
    dir.write("var/lib/lxc/" + name + "/config", config);
  }
  void add_lxc_root(const std::string& name, const std::string& root) const {
    add_lxc(name, "lxc.rootfs.path = " + root + "\n");
  }

  HostGuests ask(const Words& providers = {}) const { return host_guests(dir / "etc/vservers", providers, dir.root()); }

  // Without the scratch directory in it.
  std::string plain(std::string text) const {
    for (auto at = text.find(dir.root()); at != text.npos; at = text.find(dir.root()))
      text.erase(at, dir.root().size());
    return text;
  }
  std::string line_of(const HostGuest& guest) const {
    auto line = guest.provider + ":" + guest.name + " " + plain(guest.root);
    if (!guest.left_alone.empty()) line += " left alone: " + guest.left_alone;
    if (!guest.no_links.empty()) line += " no links: " + guest.no_links;
    for (const auto& other : guest.also_known) line += " also " + other;
    return line;
  }
  // "PROVIDER:NAME ROOT", and what is said of it.
  Words lines(const HostGuests& all) const {
    Words lines;
    for (const auto& guest : all.guests) lines.push_back(line_of(guest));
    return lines;
  }
  Words lines(const Told& told) const {
    Words lines;
    for (const auto& one : told.guests) lines.push_back(line_of(one.guest));
    return lines;
  }
  // "FILE:LINE: REASON"
  Words complaints(const std::vector<Mistake>& mistakes) const {
    Words lines;
    for (const auto& [file, line, reason] : mistakes)
      lines.push_back(plain(file) + ":" + std::to_string(line) + ": " + plain(reason));
    return lines;
  }

  const Scratch dir;
};

}  // namespace vunify::test
