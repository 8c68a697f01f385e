// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "tools/report.h"
#include "tools/table.h"
#include "tools/text.h"

namespace vunify {
namespace {

std::string padding(std::size_t wanted, std::size_t have) {
  return std::string(wanted > have ? wanted - have : 0, ' ');
}

// The first two columns are words and stand left, the others are numbers and stand right.
std::string table(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const auto gap = padding(widths[i], width_of(row[i]));
      line += (i == 0 ? "" : "  ") + (i < 2 ? row[i] + gap : gap + row[i]);
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

Row row_of(const GuestOutcome& guest) {
  return {printable(guest.name),
          guest.protection,
          format_count(guest.files),
          format_count(guest.linked_files),
          format_bytes(guest.freed_bytes),
          format_bytes(guest.shared_bytes),
          format_bytes(guest.private_bytes)};
}

std::string private_table(const Outcome& outcome) {
  std::vector<Row> rows{{"guest", "", "files", "shared", "private"}};
  for (const auto& guest : outcome.guests)
    rows.push_back({printable(guest.name), "", format_count(guest.files), format_bytes(guest.shared_bytes),
                    format_bytes(guest.private_bytes)});
  return table(rows) + "\n";
}

std::string guest_table(const Outcome& outcome) {
  if (outcome.guests.empty()) return {};
  if (outcome.deleted) return {};
  if (outcome.deunified) return private_table(outcome);
  std::vector<Row> rows{{"guest", "protection", "files", "linked", "freed", "shared", "private"}};
  for (const auto& guest : outcome.guests) rows.push_back(row_of(guest));
  return table(rows) + "\n";
}

std::string files(std::uint64_t count) { return format_count(count) + (count == 1 ? " file" : " files"); }

std::string guests_and_files(const Outcome& outcome) {
  return fmt::format("{} {}, {}, {}", outcome.guests.size(), outcome.guests.size() == 1 ? "guest" : "guests",
                     files(outcome.files()), format_bytes(outcome.bytes()));
}

std::string linked(const Outcome& outcome) {
  const bool dry = outcome.dry_run;
  auto text = fmt::format("{}; read {}, {}; {}\n", guests_and_files(outcome), files(outcome.read_files),
                          format_bytes(outcome.read_bytes), format_seconds(outcome.total_seconds));
  text += fmt::format("{} {}, {} {}; shared files {} {}\n", dry ? "would link" : "linked",
                      files(outcome.linked_files()), dry ? "would free" : "freed", format_bytes(outcome.freed_bytes()),
                      dry ? "take, as yet," : "take", format_bytes(outcome.shared_bytes));
  if (outcome.freed_when_closed != 0)
    text += fmt::format("{} of that {} free once programs close the files they read\n",
                        format_bytes(outcome.freed_when_closed), dry ? "would be" : "are");
  return text;
}

std::string copied(const Outcome& outcome) {
  if (!outcome.deunified && outcome.copied_files == 0) return {};
  return fmt::format("{} {} private copies, {}\n", outcome.dry_run ? "would give" : "gave", files(outcome.copied_files),
                     format_bytes(outcome.copied_bytes));
}

std::string deleted(const Outcome& outcome) {
  const bool dry = outcome.dry_run;
  const auto& guest = outcome.guests.front();
  return fmt::format("{} guest {}: {}, {} {}; of what others have as well, {} {} theirs\n",
                     dry ? "would delete" : "deleted", printable(guest.root), files(guest.files),
                     dry ? "would free" : "freed", format_bytes(guest.freed_bytes), format_bytes(guest.shared_bytes),
                     dry ? "would stay" : "stays");
}

std::string totals(const Outcome& outcome) {
  const bool dry = outcome.dry_run;
  std::string text;
  if (outcome.deleted)
    text += deleted(outcome);
  else if (outcome.deunified)
    text += fmt::format("{}; {}\n", guests_and_files(outcome), format_seconds(outcome.total_seconds));
  else if (!outcome.guests.empty())
    text += linked(outcome);
  text += copied(outcome);
  if (outcome.deunified && outcome.copied_files != 0)
    text += "if apt failed in a guest meanwhile: dpkg --configure -a, then apt-get -f install, in it\n";
  if (outcome.stale_files != 0)
    text += fmt::format("found {} immutable under marks of another filesystem (new UUID, snapshot, resized): {}\n",
                        files(outcome.stale_files), "vunify made them so, not their owner");
  if (outcome.adopted_files != 0)
    text += fmt::format("{} {} found shared without protection\n", dry ? "would protect" : "protected",
                        files(outcome.adopted_files));
  if (outcome.unmarked_files != 0)
    text += fmt::format("{} {} to the one guest that has {} left\n", dry ? "would give back" : "gave back",
                        files(outcome.unmarked_files), outcome.unmarked_files == 1 ? "it" : "them");
  if (outcome.recovered_files != 0)
    text += fmt::format("recovered {} of an interrupted run\n", files(outcome.recovered_files));
  return text.empty() && !outcome.broken_off ? "nothing was left to recover\n" : text;
}

std::string skips(const Outcome& outcome, Detail detail) {
  const auto counts = outcome.skipped();
  std::string text;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0 || !verdicts[i].is_reason) continue;
    text += text.empty() ? "left alone:\n" : "";
    text += fmt::format("  {:>11}  {}\n", format_count(counts[i]), verdicts[i].name);
    if (detail == Detail::verbose) text += fmt::format("               {}\n", verdicts[i].sentence);
  }
  return text;
}

// Those that an administrator can do something about at once.
std::string cures(const Outcome& outcome) {
  const auto counts = outcome.skipped();
  const auto shifted = counts[static_cast<std::size_t>(Verdict::shifted_owner)];
  const auto outside = counts[static_cast<std::size_t>(Verdict::outside_names)];
  std::string text;
  if (shifted != 0)
    text += fmt::format(
        "hint: {} {} only in owners shifted by a user namespace: an idmapped mount or --protect=reflink lets guests "
        "share them\n",
        files(shifted), shifted == 1 ? "differs" : "differ");
  if (outside != 0)
    text += fmt::format(
        "hint: {} {} names, or a twin with names, outside these guests: name that guest too, or keep snapshots made of "
        "hard links on another filesystem\n",
        files(outside), outside == 1 ? "has" : "have");
  return text;
}

std::string where(const Failure& failure) {
  if (failure.path.empty()) return printable(failure.guest);
  if (failure.guest.empty()) return printable(failure.path);
  return printable(failure.guest) + ": " + printable(failure.path);
}

std::string told(std::string_view word, const std::vector<Failure>& all) {
  std::string text;
  for (const auto& one : all) {
    const auto place = where(one);
    text += fmt::format("{}: {}{}{}\n", word, place, place.empty() ? "" : ": ", one_line(one.reason));
  }
  return text;
}

std::string failures(const Outcome& outcome) { return told("failed", outcome.failed); }

// People know a filesystem by where it is mounted.
std::string name_of(const FilesystemOutcome& fs) {
  if (fs.mount_point.empty()) return printable(fs.device.empty() ? fs.uuid : fs.device);
  return printable(fs.mount_point) + (fs.device.empty() ? "" : " (" + printable(fs.device) + ")");
}

std::string free_space(const Outcome& outcome) {
  std::string text;
  for (const auto& fs : outcome.filesystems)
    text += fmt::format("df: {}: {} free before, {} after\n", name_of(fs), format_bytes(fs.free_before),
                        format_bytes(fs.free_after));
  return text;
}

std::string ending(const Outcome& outcome, Exit exit) {
  if (exit == Exit::interrupted || exit == Exit::terminated)
    return "interrupted: what was begun is finished, the next run goes on\n";
  if (outcome.disk_full || outcome.broken_off)
    return "stopped by what failed: what was begun is finished, the next run goes on\n";
  return outcome.complete ? "" : "--max-time came first: the next run goes on\n";
}

}  // namespace

Exit exit_of(const Outcome& outcome, int signal) {
  if (signal != 0) return signal == 2 ? Exit::interrupted : Exit::terminated;
  if (outcome.disk_full || outcome.broken_off) return Exit::fatal;
  return outcome.failed.empty() ? Exit::done : Exit::partial;
}

std::string report_text(const Outcome& outcome, Exit exit, Detail detail) {
  if (detail == Detail::quiet) return failures(outcome);
  return guest_table(outcome) + totals(outcome) + skips(outcome, detail) + cures(outcome) +
         told("note", outcome.notes) + failures(outcome) + free_space(outcome) + ending(outcome, exit);
}

}  // namespace vunify
