// SPDX-License-Identifier: Apache-2.0
// An /etc/vservers and a /vservers in a scratch directory, to be filled with guests and with what is wrong with them.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "host/vserver.h"
#include "tests/root_test.h"

namespace vunify::test {

class Vservers : public RootTest {
 protected:
  Vservers() {
    dir.make_directory("roots");
    link("etc/.defaults/vdirbase", dir / "roots");
  }

  void link(const std::string& path, const std::string& target) const {
    dir.make_directory(path.substr(0, path.rfind('/')));
    std::filesystem::create_symlink(target, dir / path);
  }

  // A directory NAME with a vdir, and the root that it leads to.
  void add(const std::string& name, const std::string& context = "") const {
    dir.make_directory("roots/" + name);
    link("etc/" + name + "/vdir", dir / ("roots/" + name));
    if (!context.empty()) write(name + "/context", context + "\n");
  }

  // In the configuration.
  void write(const std::string& path, const std::string& text) const { dir.write("etc/" + path, text); }

  HostGuests read() const { return vserver_guests(dir / "etc"); }

  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& guest : read().guests) all.push_back(guest.name);
    return all;
  }

  // The guest where all others are right, too.
  HostGuest only() const {
    const auto all = read();
    EXPECT_THAT(complaints(all), testing::IsEmpty());
    EXPECT_EQ(all.guests.size(), 1u);
    return all.guests.at(0);
  }

  // "FILE:LINE: REASON", from the configuration directory on.
  std::vector<std::string> complaints(const HostGuests& all) const {
    std::vector<std::string> lines;
    for (const auto& mistake : all.mistakes) {
      const auto file = mistake.file.substr((dir / "etc/").size());
      lines.push_back(file + ":" + std::to_string(mistake.line) + ": " + mistake.reason);
    }
    return lines;
  }
  std::vector<std::string> complaints() const { return complaints(read()); }

  const Scratch dir;
};

}  // namespace vunify::test
