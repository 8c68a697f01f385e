// SPDX-License-Identifier: Apache-2.0
#include "sys/mount.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <string_view>

#include "sys/beneath.h"
#include "sys/fd.h"
#include "sys/processes.h"
#include "sys/statmount.h"

namespace vunify {
namespace {

// "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue". Any guest may have mounted it: of a
// source that is empty nothing stands between two blanks.
Mount parse(const std::string& line) {
  Mount mount;
  std::istringstream in(line);
  std::string device, root, point, word;
  in >> mount.id >> mount.parent >> device >> root >> point;
  while (in >> word && word != "-") continue;
  in.get();
  for (auto* field : {&mount.type, &mount.source, &mount.super_options}) std::getline(in, *field, ' ');
  const auto colon = device.find(':');
  mount.dev = makedev(std::stoul(device.substr(0, colon)), std::stoul(device.substr(colon + 1)));
  mount.root = unescape_path(root);
  mount.point = unescape_path(point);
  mount.source = unescape_path(mount.source);
  return mount;
}

// A layer's name holds ':' and ',' escaped by a backslash.
void split_layers(std::string_view value, std::vector<std::string>& layers) {
  std::string layer;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '\\' && i + 1 < value.size()) {
      layer += value[++i];
    } else if (value[i] == ':') {
      layers.push_back(std::exchange(layer, {}));
    } else {
      layer += value[i];
    }
  }
  layers.push_back(layer);
  std::erase(layers, "");
}

bool names_layers(std::string_view option) {
  return option == "lowerdir" || option == "lowerdir+" || option == "upperdir" || option == "workdir" ||
         option == "datadir+";
}

}  // namespace

std::string unescape_path(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '3') {
      plain += static_cast<char>((text[i + 1] - '0') << 6 | (text[i + 2] - '0') << 3 | (text[i + 3] - '0'));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

std::vector<Mount> read_mounts(const std::string& process) {
  const std::string path = "/proc/" + process + "/mountinfo";
  std::istringstream lines(read_all(open_host(path, O_RDONLY).get(), path));
  std::vector<Mount> mounts;
  for (std::string line; std::getline(lines, line);) mounts.push_back(parse(line));
  return mounts;
}

std::vector<std::vector<Mount>> read_other_mounts() {
  std::set<std::string> seen{link_of_process("self", "ns/mnt")};
  std::vector<std::vector<Mount>> tables;
  for_each_process([&](const std::string& process) {
    const auto space = link_of_process(process, "ns/mnt");
    if (seen.contains(space)) return;
    tables.push_back(read_mounts(process));
    seen.insert(space);
  });
  return tables;
}

// The longest point counts, and of mounts one over another the last.
std::optional<Located> locate(const std::vector<Mount>& mounts, const std::string& path) {
  const Mount* covering = nullptr;
  for (const auto& mount : mounts)
    if (path.starts_with('/') && is_or_is_beneath(path, mount.point) &&
        (covering == nullptr || mount.point.size() >= covering->point.size()))
      covering = &mount;
  if (covering == nullptr) return std::nullopt;
  auto within = covering->root == "/" ? std::string() : covering->root;
  if (path != covering->point) within += path.substr(covering->point == "/" ? 0 : covering->point.size());
  return Located{covering->dev, within.empty() ? "/" : within};
}

// Told whatever is asked; and where nothing else is, nobody is waited for who answers for a mount (FUSE).
std::uint64_t mount_id(int fd) {
  struct statx st {};
  check(::statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &st), "statx");
  return st.stx_mnt_id;
}

std::optional<Mount> find_mount(const std::vector<Mount>& mounts, int fd) {
  const auto mount = std::ranges::find(mounts, mount_id(fd), &Mount::id);
  return mount == mounts.end() ? statmount(fd) : *mount;
}

Mount mount_of(int fd) {
  if (auto mount = find_mount(read_mounts(), fd)) return std::move(*mount);
  errno = ENODATA;
  throw_errno("statmount");
}

std::vector<std::string> overlay_layers(const std::vector<Mount>& mounts) {
  std::vector<std::string> layers;
  for (const auto& mount : mounts) {
    if (mount.type != "overlay") continue;
    std::istringstream options(mount.super_options);  // a comma within a layer's name is escaped, too
    for (std::string option; std::getline(options, option, ',');) {
      const auto equals = option.find('=');
      if (equals != std::string::npos && names_layers(option.substr(0, equals)))
        split_layers(unescape_path(std::string_view(option).substr(equals + 1)), layers);
    }
  }
  return layers;
}

}  // namespace vunify
