// SPDX-License-Identifier: Apache-2.0
// What the package managers of one guest say, as they say it: collected from all of them, and bounded, for each byte of
// it may be forged.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "packages/packages.h"

namespace vunify {

// A path as it is from the root, without a leading slash: "etc/passwd" for "/etc/passwd". Nothing where a component is
// empty, "." or "..", where there is a NUL, or from PATH_MAX on: no manager writes such.
std::optional<std::string> clean_path(std::string_view path);

class Inventory {
 public:
  // with_packages: or else nobody wants to know but what is configuration.
  explicit Inventory(bool with_packages) : with_packages_(with_packages) {}

  bool with_packages() const { return with_packages_; }

  // Paths that are not clean are passed over; so are those said twice. Both throw std::runtime_error where a guest has
  // more than any guest can have.
  void add_conffile(std::string_view path);
  void add_file(Package& package, std::string_view path);

  std::unordered_set<std::string> conffiles{};  // clean
  std::vector<Package> packages{};              // clean; with their configuration; in any order

 private:
  bool with_packages_;
  std::size_t conffile_bytes_ = 0;
  std::size_t files_ = 0;
  std::size_t file_bytes_ = 0;
};

}  // namespace vunify
