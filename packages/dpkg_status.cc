// SPDX-License-Identifier: Apache-2.0
#include "packages/dpkg_status.h"

#include <strings.h>

#include <stdexcept>

#include "packages/lines.h"

namespace vunify {
namespace {

bool is_same_field(std::string_view one, std::string_view other) {
  return one.size() == other.size() && ::strncasecmp(one.data(), other.data(), one.size()) == 0;
}

std::string_view* field_of(DpkgStanza& stanza, std::string_view name) {
  if (is_same_field(name, "Package")) return &stanza.package;
  if (is_same_field(name, "Architecture")) return &stanza.architecture;
  if (is_same_field(name, "Version")) return &stanza.version;
  if (is_same_field(name, "Status")) return &stanza.status;
  if (is_same_field(name, "Conffiles")) return &stanza.conffiles;
  return nullptr;
}

// Takes a field off the text, with the lines that go on with it: they begin with a blank.
std::string_view take_field(std::string_view& text) {
  const auto* begin = text.data();
  do take_line(text);
  while (text.starts_with(' ') || text.starts_with('\t'));
  return {begin, static_cast<std::size_t>((text.empty() ? text.data() : text.data() - 1) - begin)};
}

bool is_flag(std::string_view word) { return word == "obsolete" || word == "remove-on-upgrade"; }

}  // namespace

bool DpkgStanza::is_installed() const {
  auto words = status;
  const auto state = take_last_word(words);
  return state == "installed" || state == "triggers-pending" || state == "triggers-awaited";
}

void read_stanzas(std::string_view text, const std::function<void(const DpkgStanza&)>& visit) {
  DpkgStanza stanza;
  while (!text.empty()) {
    auto value = take_field(text);
    if (without_blanks(value).empty()) {
      if (!stanza.package.empty()) visit(stanza);
      stanza = {};
      continue;
    }
    const auto colon = value.substr(0, value.find('\n')).find(':');
    if (colon == std::string_view::npos || value.front() == ' ') throw std::runtime_error("not a list of packages");
    const auto name = take_until(value, ':');
    if (auto* field = field_of(stanza, name)) *field = without_blanks(value);
  }
  if (!stanza.package.empty()) visit(stanza);
}

void read_conffile_lines(std::string_view lines, const std::function<void(std::string_view path)>& visit) {
  while (!lines.empty()) {
    auto line = take_line(lines);
    auto word = take_last_word(line);
    while (is_flag(word)) word = take_last_word(line);  // word is the hash, or "newconffile"
    if (line.empty()) throw std::runtime_error("a conffile without a hash");
    visit(line);
  }
}

}  // namespace vunify
