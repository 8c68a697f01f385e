// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "tools/status.h"
#include "tools/text.h"

namespace vunify {
namespace {

std::string line(std::string_view label, const std::string& text) { return fmt::format("{:<10}  {}\n", label, text); }

std::string span(std::int64_t seconds) {
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 2 * 86400) return format_seconds(static_cast<double>(seconds));
  return fmt::format("{} d {:02} h", seconds / 86400, seconds % 86400 / 3600);
}

std::string ago(std::int64_t seconds) {
  return seconds < 0 ? "still to come by this clock: was it set back?" : span(seconds) + " ago";
}

std::string count(std::uint64_t number, const char* one, const char* many) {
  return format_count(number) + " " + (number == 1 ? one : many);
}

std::string ending(const LastRun& run) {
  auto text = fmt::format("{} in {}", printable(run.status), format_seconds(run.seconds));
  if (run.failed != 0) text += fmt::format(", {} failed", format_count(run.failed));
  if (!run.complete) text += ", not all was reached";
  return text;
}

std::string last_run(const Status& status) {
  if (!status.last_run) return {};
  const auto& run = *status.last_run;
  return line("last run",
              fmt::format("{}, {}; {}", format_time(run.ended), ago(status.seconds_since(run.ended)), ending(run))) +
         line("", fmt::format("{}, {}; read {} of them", count(run.guests, "guest", "guests"),
                              count(run.files, "file", "files"), format_count(run.read_files))) +
         line("", fmt::format("{} {}, freed {}", run.dry_run ? "dry: would link" : "linked",
                              count(run.linked_files, "file", "files"), format_bytes(run.freed_bytes)));
}

std::string running(const Status& status) {
  if (!status.holder) return line("running", "nothing");
  const auto& holder = *status.holder;
  if (!holder.process) return line("running", "the lock is held for a process that is gone");
  auto text = fmt::format("process {} holds the lock", *holder.process);
  if (holder.since) text += ", for " + span(std::max<std::int64_t>(0, status.seconds_since(*holder.since)));
  return line("running", text);
}

std::string unguarded(const IndexSize& index) {
  if (index.unguarded == 0) return {};
  return line("guard", "up to " + count(index.unguarded, "shared file stands", "shared files stand") +
                           " unguarded: vguard load");
}

std::string index(const Status& status) {
  if (!status.index) return {};
  auto text = format_bytes(status.index->bytes);
  if (status.index->records) text += ", " + count(*status.index->records, "record", "records");
  if (status.index->shared) text += ", " + count(*status.index->shared, "shared file", "shared files");
  if (!status.index->note.empty()) text += "; " + status.index->note;
  return line("index", text) + unguarded(*status.index);
}

std::string waiting(const Status& status) {
  std::string text;
  if (status.interrupted_names != 0)
    text += line("recovery", "up to " + count(status.interrupted_names, "name", "names") +
                                 " of an interrupted run wait for the next one, or for --recover");
  if (status.kept_names != 0)
    text += line("kept", count(status.kept_names, "name", "names") + " in .vunify wait to be looked at: see --recover");
  return text;
}

std::string guests(const Status& status) {
  if (status.guests.empty()) return {};
  auto text = line("guests", fmt::format("{} known, {} absent", format_count(status.guests.size()), status.absent()));
  for (const auto& guest : status.guests)
    if (!guest.absent.empty())
      text += line("", fmt::format("{}: {}, last seen {}", printable(guest.root), guest.absent,
                                   ago(status.seconds_since(guest.last_seen))));
  return text;
}

std::string off(const Status& status) {
  std::string text;
  for (const auto& name : status.off)
    text += line(text.empty() ? "off" : "", printable(name) + ": taken out by -R; name it to unify it again");
  return text;
}

}  // namespace

std::string status_text(const Status& status) {
  const auto first = status.last_run || !status.unreadable.empty() ? last_run(status) : "no run yet\n";
  if (!status.last_run && !status.holder && !status.index && status.interrupted_names + status.kept_names == 0)
    return first + off(status);
  return first + running(status) + index(status) + waiting(status) + guests(status) + off(status);
}

}  // namespace vunify
