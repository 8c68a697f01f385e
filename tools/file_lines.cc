// SPDX-License-Identifier: Apache-2.0
#include "tools/file_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "tools/text.h"

namespace vunify {
namespace {

// What the old programs would have said. Empty where they knew no such reason: then it is told in our word.
struct OldReason {
  Verdict verdict;
  std::string_view vunify, vhashify;
};

constexpr std::array<OldReason, verdict_count> old_reasons = {{
    {Verdict::shared, "already unified", "already unified"},
    {Verdict::no_twin, "does not exist in refserver(s)", ""},
    {Verdict::twin_busy, "", "general error"},
    {Verdict::content_differs, "different", ""},
    {Verdict::second_copy, "", ""},
    {Verdict::metadata_differs, "different", ""},
    {Verdict::shifted_owner, "different", ""},
    {Verdict::hard_linked, "", ""},
    {Verdict::shared_unprotected, "", "general error"},
    {Verdict::empty, "", "too small"},
    {Verdict::too_small, "", "too small"},
    {Verdict::excluded, "excluded", "excluded"},
    {Verdict::own_flags, "", ""},
    {Verdict::open_for_writing, "", "general error"},
    {Verdict::locked, "", "general error"},
    {Verdict::changed, "", "general error"},
    {Verdict::vanished, "fstat error", "fstat error"},
    {Verdict::other_mount, "different", "no matching device"},
    {Verdict::link_limit, "", "general error"},
    {Verdict::no_protection, "", "operation not supported"},
    {Verdict::not_shareable, "", "operation not supported"},
    {Verdict::not_reached, "", ""},
    {Verdict::unreadable, "fstat error", "general error"},
    {Verdict::open, "", ""},
    {Verdict::outside_names, "", ""},
    {Verdict::swap_file, "", "operation not supported"},
    {Verdict::mounted, "", ""},
    {Verdict::conffile, "excluded", "excluded"},
    {Verdict::not_asked, "", ""},
    {Verdict::other_tag, "different", ""},
    {Verdict::passed_on_tag, "different", "no matching device"},
    {Verdict::no_answer, "", "general error"},
}};
static_assert([] {
  for (std::size_t i = 0; i < old_reasons.size(); ++i)
    if (old_reasons[i].verdict != static_cast<Verdict>(i)) return false;
  return true;
}());

unsigned level_of(const Options& options) {
  if (options.json || options.detail == Detail::quiet) return 0;
  if (!options.has_references()) return options.verbosity < 2 ? 0 : options.verbosity;
  return std::max(options.verbosity, options.dry_run ? 2U : 0U);
}

// Whose list, or database, it is.
std::string who_excludes(const FileEnd& file) {
  if (file.verdict == Verdict::conffile) return "the package manager";
  const auto* rule = file.guest.rules.exclude ? excluding_rule(*file.guest.rules.exclude, file.path) : nullptr;
  return rule != nullptr ? printable(rule->source) : "a list";
}

}  // namespace

FileLines::FileLines(const Options& options) : options_(options), level_(level_of(options)) {}

TellFile FileLines::teller() {
  if (level_ == 0) return {};
  return [this](const FileEnd& file) { add(file); };
}

void FileLines::add(const FileEnd& file) {
  if (file.guest.rules.is_reference) return;
  const auto line = line_of(file);
  if (line.empty()) return;
  if (guest_ != file.guest.path()) {
    guest_ = file.guest.path();
    text_ += fmt::format("{} ({})\n", printable(file.guest.name), printable(guest_));
  }
  text_ += line + "\n";
}

std::string FileLines::line_of(const FileEnd& file) const {
  const auto path = "'/" + printable(file.path) + "'";
  if (file.done && level_ < 2) return {};
  if (file.done && options_.verb == Verb::deunify) return "deunifying " + path;
  if (file.done && (level_ < 4 || file.from == nullptr)) return "unifying   " + path;
  if (file.done)
    return "unifying   " + path + " (from " + printable(level_ == 4 ? file.from->name : file.from->path()) + ")";
  if (file.verdict == Verdict::shared && level_ < 3) return {};
  return "  skipping " + path + (level_ < 2 ? "" : " (" + reason_of(file) + ")");
}

std::string FileLines::reason_of(const FileEnd& file) const {
  const auto& row = old_reasons[static_cast<std::size_t>(file.verdict)];
  const auto reason = options_.hashify ? row.vhashify : row.vunify;
  if (reason.empty()) return std::string(name_of(file.verdict));
  if (reason != "excluded" || options_.hashify) return std::string(reason);
  return "excluded by " + who_excludes(file);
}

}  // namespace vunify
