// SPDX-License-Identifier: Apache-2.0
#include "tools/vcow_guests.h"

#include <algorithm>
#include <optional>

#include "guest/adopted.h"
#include "guest/mounted.h"
#include "host/fstab.h"
#include "tools/named_guest.h"

namespace vunify {
namespace {

class Looking {
 public:
  explicit Looking(const std::string& fstab) : mounts_(read_mounts()), records_(list_mounted()) {
    for (auto& line : vcow_lines(fstab))
      if (const auto place = find(line.source)) lines_.push_back({place->path, std::move(line)});
  }

  VcowGuest look(const HostGuest& guest, const std::string& name) const {
    VcowGuest one{.name = name, .path = guest.root};
    const auto* line = line_of(one.path);
    const auto place = find(one.path);
    // Where nothing is found it is left to `vcow mount` to say so.
    one.passed_over = place ? why_not(guest, line, place->is_adopted()) : "";
    if (line != nullptr) one.options = line->options;
    if (line != nullptr && line->point != line->source) one.point = line->point;
    look_at_mounts(one);
    return one;
  }

 private:
  struct Line {
    std::string path;
    FstabLine text;
  };

  static std::string why_not(const HostGuest& guest, const FstabLine* line, bool is_adopted) {
    if (line != nullptr) return line->is_at_boot ? "" : "noauto in fstab";
    if (is_adopted) return {};
    if (!guest.left_alone.empty()) return guest.left_alone;
    return guest.unify.protect == Protection::cow ? "not adopted, though its protection is cow" : "not adopted";
  }

  std::optional<GuestPlace> find(const std::string& path) const {
    try {
      return find_guest(path, mounts_);
    } catch (const std::exception&) {
      return std::nullopt;
    }
  }

  const FstabLine* line_of(const std::string& path) const {
    const auto found = std::ranges::find(lines_, path, &Line::path);
    return found != lines_.end() ? &found->text : nullptr;
  }

  bool is_vcow_on(const std::string& point) const {
    const auto top =
        std::find_if(mounts_.rbegin(), mounts_.rend(), [&](const Mount& mount) { return mount.point == point; });
    return top != mounts_.rend() && top->type == vcow_type;
  }

  void look_at_mounts(VcowGuest& one) const {
    if (is_vcow_on(one.path)) one.points.push_back(one.path);
    for (const auto& record : records_) {
      if (record.path != one.path || !is_vcow_on(record.mount_point)) continue;
      one.is_shown |= record.is_alive;
      if (std::ranges::count(one.points, record.mount_point) == 0) one.points.push_back(record.mount_point);
    }
  }

  std::vector<Mount> mounts_;
  std::vector<Mounted> records_;
  std::vector<Line> lines_;
};

}  // namespace

std::vector<VcowGuest> look_for_vcow(const HostGuests& host, const std::string& fstab) {
  const Looking looking(fstab);
  std::vector<VcowGuest> guests;
  for (const auto& guest : host.guests)
    if (!guest.root.empty()) guests.push_back(looking.look(guest, name_among(guest, host.guests)));
  return guests;
}

}  // namespace vunify
