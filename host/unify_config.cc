// SPDX-License-Identifier: Apache-2.0
#include "host/unify_config.h"

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "host/config_file.h"

namespace vunify {
namespace {

namespace fs = std::filesystem;

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

std::string expect_word(std::string word, const std::string& file) {
  if (std::ranges::any_of(word, is_control) || word.find(' ') != word.npos)
    throw Misconfigured({file, 1, "is not one word"});
  return word;
}

class Places {
 public:
  Places(const std::string& config, const std::string& own)
      : config_(config), own_(own), names_(config_names(own)), default_names_(config_names(defaults())) {}

  // Of the guest's, or else the default's; empty where neither has it.
  std::string find(const std::string& leaf) const {
    if (has(names_, leaf)) return own_ + "/" + leaf;
    return has(default_names_, leaf) ? defaults() + "/" + leaf : "";
  }

  bool asks_packages() const {
    for (const auto* names : {&names_, &default_names_}) {
      if (has(*names, "pkgmgmt-ignore")) return false;
      if (has(*names, "pkgmgmt-force")) return true;
    }
    return true;
  }

  std::vector<std::string> refservers() const {
    const auto own = refservers_in(own_, names_);
    return own.empty() ? refservers_in(defaults(), default_names_) : own;
  }

  // What the first of its roots is, where a guest has a store of its own and not the default one.
  std::string own_store() const {
    const auto own = has(names_, "hash") ? store_in(own_ + "/hash") : "";
    return own == store_in(defaults() + "/hash") ? "" : own;
  }

 private:
  static bool has(const std::vector<std::string>& names, const std::string& leaf) {
    return std::ranges::binary_search(names, leaf);
  }

  static std::string store_in(const std::string& hash) {
    std::error_code unseen;
    for (const auto& name : config_names(hash))
      if (fs::is_directory(hash + "/" + name, unseen)) return fs::canonical(hash + "/" + name, unseen);
    return fs::canonical(hash, unseen);
  }

  std::string defaults() const { return config_ + "/.defaults/apps/vunify"; }

  std::vector<std::string> refservers_in(const std::string& place, const std::vector<std::string>& names) const {
    std::vector<std::string> guests;
    for (const auto& name : names)
      if (name.starts_with("refserver.")) guests.push_back(guest_of(place + "/" + name));
    return guests;
  }

  std::string guest_of(const std::string& refserver) const {
    std::error_code unseen;
    if (fs::is_directory(refserver, unseen)) return linked_guest(refserver);
    auto name = read_first_line(refserver).value_or("");
    if (name.empty()) throw Misconfigured({refserver, 1, "names no guest"});
    return expect_word(std::move(name), refserver);
  }

  // By the name that the link has for it, and by that of where it ends: a directory of CONFIG may be a symlink itself.
  std::string linked_guest(const std::string& refserver) const {
    std::error_code unseen;
    const auto target = fs::read_symlink(refserver, unseen).lexically_normal();
    for (const auto& path : {target, target.parent_path(), fs::canonical(refserver, unseen)}) {
      const auto directory = config_ + "/" + path.filename().string();
      if (!path.filename().empty() && fs::equivalent(directory, refserver, unseen)) return name_of_vserver(directory);
    }
    throw Misconfigured(refserver, "leads to no guest of " + config_);
  }

  std::string config_, own_;
  std::vector<std::string> names_, default_names_;  // sorted
};

std::shared_ptr<const ExcludeList> shipped_excludes() {
  auto list = std::make_shared<ExcludeList>();
  list->add_shipped();
  return list;
}

std::shared_ptr<const ExcludeList> excludes(const std::string& file) {
  static const auto shipped = shipped_excludes();  // one for hundreds of guests
  if (file.empty()) return shipped;
  auto list = std::make_shared<ExcludeList>();
  list->add(read_config(file).value_or(""), file);
  return list;
}

std::optional<Protection> protection(const std::string& file) {
  if (file.empty()) return std::nullopt;
  try {
    return parse_protection(read_first_line(file).value_or(""));
  } catch (const std::invalid_argument& error) {
    throw Misconfigured({file, 1, error.what()});
  }
}

std::string group(const Places& places) {
  const auto file = places.find("group");
  return file.empty() ? places.own_store() : expect_word(read_first_line(file).value_or(""), file);
}

}  // namespace

UnifyConfig read_unify_config(const std::string& config, const std::string& own) {
  const Places places(config, own);
  UnifyConfig unify;
  unify.exclude = excludes(places.find("exclude"));
  unify.protect = protection(places.find("protect"));
  unify.group = group(places);
  unify.refservers = places.refservers();
  unify.packages = places.asks_packages();
  return unify;
}

std::string name_of_vserver(const std::string& directory) {
  const auto file = directory + "/name";
  auto name = read_first_line(file).value_or("");
  return name.empty() ? fs::path(directory).filename().string() : expect_word(std::move(name), file);
}

}  // namespace vunify
