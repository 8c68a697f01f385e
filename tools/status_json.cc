// SPDX-License-Identifier: Apache-2.0
#include "tools/json_bytes.h"
#include "tools/status.h"

namespace vunify {
namespace {

LastRun from_json(const Json& report) {
  if (report.at("schema") != 1) throw std::invalid_argument("a report of another version of vunify");
  const auto started = parse_time(report.at("started"));
  if (!started) throw std::invalid_argument("not a report: started");
  LastRun run;
  run.seconds = report.at("seconds").at("total");
  run.ended = {started->sec + static_cast<std::int64_t>(run.seconds), 0};  // never later than it was
  run.status = report.at("status");
  run.complete = report.at("complete");
  run.dry_run = report.at("dry_run");
  run.guests = report.at("guest_count");
  run.files = report.at("files");
  run.read_files = report.at("read_files");
  run.linked_files = report.at("linked_files");
  run.freed_bytes = report.at("freed_bytes");
  run.failed = report.at("failed").size();
  for (const auto& guest : report.at("guests")) run.roots.push_back(bytes_at(guest, "root"));
  for (const auto& fs : report.at("filesystems")) run.filesystems.push_back(fs.at("uuid"));
  return run;
}

Json json_of(const LastRun& run, const Status& status) {
  Json object;
  object["ended"] = format_time(run.ended);
  object["age_seconds"] = status.seconds_since(run.ended);
  object["seconds"] = run.seconds;
  object["status"] = run.status;
  object["complete"] = run.complete;
  object["dry_run"] = run.dry_run;
  object["guest_count"] = run.guests;
  object["files"] = run.files;
  object["read_files"] = run.read_files;
  object["linked_files"] = run.linked_files;
  object["freed_bytes"] = run.freed_bytes;
  object["failed_count"] = run.failed;
  return object;
}

Json json_of(const LockHolder& holder, const Status& status) {
  Json object;
  object["process"] = holder.process ? Json(*holder.process) : Json(nullptr);
  object["seconds"] = holder.since ? Json(status.seconds_since(*holder.since)) : Json(nullptr);
  return object;
}

Json json_of(const IndexSize& index) {
  Json object;
  object["bytes"] = index.bytes;
  object["records"] = index.records ? Json(*index.records) : Json(nullptr);
  object["shared"] = index.shared ? Json(*index.shared) : Json(nullptr);
  object["unguarded"] = index.unguarded;
  object["note"] = index.note;
  return object;
}

Json json_of(const KnownRoot& guest, const Status& status) {
  Json object;
  put_bytes(object, "root", guest.root);
  object["absent"] = guest.absent.empty() ? Json(nullptr) : Json(guest.absent);
  object["last_seen"] = format_time(guest.last_seen);
  object["age_seconds"] = status.seconds_since(guest.last_seen);
  return object;
}

}  // namespace

LastRun read_last_run(std::string_view report) {
  try {
    return from_json(Json::parse(report));
  } catch (const Json::exception&) {
    throw std::invalid_argument("not a report; the next run replaces it");
  }
}

std::string status_json(const Status& status) {
  Json object;
  object["schema"] = 1;
  put_bytes(object, "state", status.state_dir);
  object["last_run"] = status.last_run ? json_of(*status.last_run, status) : Json(nullptr);
  object["running"] = status.holder ? json_of(*status.holder, status) : Json(nullptr);
  object["index"] = status.index ? json_of(*status.index) : Json(nullptr);
  object["interrupted_names"] = status.interrupted_names;
  object["kept_names"] = status.kept_names;
  object["guests"] = Json::array();
  for (const auto& guest : status.guests) object["guests"].push_back(json_of(guest, status));
  object["known_count"] = status.guests.size();
  object["absent_count"] = status.absent();
  object["off"] = status.off;
  object["unreadable"] = status.unreadable;
  return object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace vunify
