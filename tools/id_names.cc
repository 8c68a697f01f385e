// SPDX-License-Identifier: Apache-2.0
#include "tools/id_names.h"

#include <charconv>

#include "packages/guest_files.h"
#include "packages/lines.h"

namespace vunify {
namespace {

constexpr std::uint64_t most_bytes = 1 << 20;
constexpr std::uint32_t nobodys = 0xffffffff;  // (uid_t)-1: chown(2) takes it for "leave it"

}  // namespace

std::optional<std::uint32_t> parse_id(std::string_view text) {
  std::uint32_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  const bool is_whole = error == std::errc() && end == text.data() + text.size() && !text.empty();
  return is_whole && id != nobodys ? std::optional(id) : std::nullopt;
}

IdNames::IdNames(const RootDir& root) {
  read(root, "etc/passwd", Whose::Kind::user);
  read(root, "etc/group", Whose::Kind::group);
}

// name:password:id:...
void IdNames::read(const RootDir& root, const std::string& path, Whose::Kind kind) {
  std::optional<std::string> text;
  try {
    text = GuestFiles(root).read(path, most_bytes);
  } catch (const std::runtime_error& error) {
    unread_.emplace_back(error.what());
  }
  std::string_view rest = text ? *text : std::string_view();
  while (!rest.empty()) {
    auto line = take_line(rest);
    const std::string name(take_until(line, ':'));
    take_until(line, ':');
    const auto id = parse_id(take_until(line, ':'));
    if (!id || name.empty()) continue;
    names_.try_emplace({kind, *id}, name);
    ids_.try_emplace({kind, name}, *id);
  }
}

std::optional<std::string> IdNames::name(Whose whose) const {
  const auto found = names_.find(whose);
  return found == names_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<Whose> IdNames::find(Whose::Kind kind, const std::string& name) const {
  const auto found = ids_.find({kind, name});
  return found == ids_.end() ? std::nullopt : std::optional(Whose{kind, found->second});
}

}  // namespace vunify
