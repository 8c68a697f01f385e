// SPDX-License-Identifier: Apache-2.0
#include "host/new_guest.h"

#include <fcntl.h>
#include <stdio.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <stdexcept>

#include "sys/at.h"
#include "sys/directory.h"
#include "sys/fd.h"
#include "sys/link.h"

namespace vunify {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view settings_suffix = ".nspawn";
constexpr std::size_t most_name_bytes = 64;  // of a machine's name (machinectl(1)), and of a host's
constexpr auto aside_leaf = ".vclone";       // in the directory of configurations, until it is complete

// What is one guest's alone (util-vserver's /etc/vservers/NAME): written anew, or by its admin.
constexpr std::array<std::string_view, 8> not_taken_along = {"context", "tag",   "name",       "vdir",
                                                             "run",     "cache", "interfaces", "dlimits"};

void expect_missing(const fs::path& path) {
  if (fs::exists(fs::symlink_status(path))) throw std::invalid_argument(path.string() + " is there already");
}

bool is_settings(const fs::path& path) { return path.extension() == settings_suffix; }

std::string read_text(const fs::path& path) { return read_all(open_host(path, O_RDONLY).get(), path.string()); }

void write_text(int dir, const std::string& leaf, const std::string& text, unsigned mode = 0644) {
  const Fd file = open_at({dir, leaf.c_str()}, O_WRONLY | O_CREAT | O_EXCL, mode);
  write_all(file.get(), text, leaf);
}

// Unnamed until it is whole.
void copy_settings(const fs::path& from, const fs::path& to) {
  const Fd dir = open_host(to.parent_path(), O_RDONLY | O_DIRECTORY);
  const Fd file = make_unnamed(dir.get());
  write_all(file.get(), read_text(from), to.string());
  set_mode_at({file.get()}, 0644);
  sync_data(file.get(), to.string());
  prepare_link(file.get(), {dir.get(), to.filename()});
}

// The link by which util-vserver finds a running guest: the same place, the new name.
void link_run(const fs::path& old_config, const fs::path& config, const std::string& name) {
  const auto run = old_config / "run";
  if (!fs::is_symlink(run)) return;
  fs::create_symlink(fs::read_symlink(run).parent_path() / name, config / "run");
}

std::vector<std::string> copy_entries(const fs::path& from, const fs::path& to) {
  std::vector<std::string> left;
  for (const auto& entry : fs::directory_iterator(from)) {
    const auto leaf = entry.path().filename().string();
    if (std::ranges::find(not_taken_along, leaf) == not_taken_along.end())
      fs::copy(entry, to / leaf, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
    else if (leaf == "interfaces" || leaf == "dlimits" || leaf == "context" || leaf == "tag")
      left.push_back(entry.path());
  }
  if (fs::remove(to / "uts" / "nodename")) left.push_back(from / "uts" / "nodename");
  std::ranges::sort(left);
  return left;
}

std::vector<std::string> write_vserver(const HostGuest& like, const std::string& name, const std::string& root) {
  const fs::path old_config = like.config, all = old_config.parent_path(), aside = all / aside_leaf;
  fs::remove_all(aside);  // of one that was killed
  fs::create_directory(aside);
  auto left = copy_entries(old_config, aside);
  const Fd dir = open_host(aside, O_RDONLY | O_DIRECTORY);
  write_text(dir.get(), "name", name + "\n");
  make_symlink_at(root.c_str(), {dir.get(), "vdir"});
  link_run(old_config, aside, name);
  sync_filesystem(dir.get(), aside.string());
  const Fd above = open_host(all, O_RDONLY | O_DIRECTORY);
  rename_at({above.get(), aside_leaf}, {above.get(), name.c_str()}, RENAME_NOREPLACE);
  return left;
}

}  // namespace

bool is_guest_name(const std::string& name) {
  constexpr auto plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
  return !name.empty() && name.size() <= most_name_bytes && name[0] != '.' && name[0] != '-' &&
         name.find_first_not_of(plain) == std::string::npos;
}

NewGuest place_new_guest(const HostGuest& like, const std::string& name) {
  if (!is_guest_name(name)) throw std::invalid_argument("is no name for a guest: letters, digits, - _ and . only");
  const fs::path root = like.root, config = like.config;
  if (like.provider == "lxc") {
    const auto container = config.parent_path();
    if (root != container / "rootfs")
      throw std::invalid_argument("the tree of " + like.name + " is not beside its configuration: name directories");
    return {container.parent_path() / name, "rootfs"};
  }
  if (like.provider == "vserver" && fs::is_directory(config))
    expect_missing(config.parent_path() / name);
  else if (like.provider == "nspawn" && is_settings(config))
    expect_missing(config.parent_path() / (name + std::string(settings_suffix)));
  else if (like.provider != "nspawn")
    throw std::invalid_argument("no configuration is written for " + like.provider + ": name directories");
  return {root.parent_path() / name};
}

void furnish_new_guest(const HostGuest& like, const std::string& name, int dir) {
  if (like.provider != "lxc") return;
  const auto container = fs::path(like.config).parent_path();
  const auto text = [&](const char* leaf) {
    return lxc_config_for(read_text(container / leaf), container, container.parent_path() / name, name);
  };
  write_text(dir, "config", text("config"), 0640);
  set_mode_at({dir}, static_cast<unsigned>(fs::status(container).permissions()));
}

std::vector<std::string> write_new_config(const HostGuest& like, const std::string& name, const std::string& root) {
  const fs::path config = like.config;
  if (like.provider == "vserver") return write_vserver(like, name, root);
  if (like.provider == "nspawn" && is_settings(config))
    copy_settings(config, config.parent_path() / (name + std::string(settings_suffix)));
  return {};
}

}  // namespace vunify
