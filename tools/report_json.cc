// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tools/json_bytes.h"
#include "tools/report.h"
#include "tools/text.h"

namespace vunify {
namespace {

// A signal is one, whichever came.
std::string_view status_of(Exit exit) { return word_of(exit == Exit::terminated ? Exit::interrupted : exit); }

Json json_of(const SkipCounts& counts) {
  Json object = Json::object();
  for (std::size_t i = 0; i < counts.size(); ++i)
    if (counts[i] != 0 && verdicts[i].is_reason) object[std::string(verdicts[i].name)] = counts[i];
  return object;
}

Json json_of(const GuestOutcome& guest) {
  Json object;
  put_bytes(object, "name", guest.name);
  object["xid"] = guest.xid ? Json(*guest.xid) : Json(nullptr);
  put_bytes(object, "root", guest.root);
  object["protection"] = guest.protection;
  object["files"] = guest.files;
  object["bytes"] = guest.bytes;
  object["linked_files"] = guest.linked_files;
  object["freed_bytes"] = guest.freed_bytes;
  object["shared_bytes"] = guest.shared_bytes;
  object["private_bytes"] = guest.private_bytes;
  object["skipped"] = json_of(guest.skipped);
  return object;
}

Json json_of(const FilesystemOutcome& fs) {
  Json object = {{"uuid", fs.uuid}, {"free_before", fs.free_before}, {"free_after", fs.free_after}};
  put_bytes(object, "mount_point", fs.mount_point);
  put_bytes(object, "device", fs.device);
  return object;
}

Json json_of(const Failure& failure) {
  Json object;
  put_bytes(object, "guest", failure.guest);
  put_bytes(object, "path", failure.path);
  object["reason"] = failure.reason;
  return object;
}

template <typename T>
Json list_of(const std::vector<T>& values) {
  Json list = Json::array();
  for (const auto& value : values) list.push_back(json_of(value));
  return list;
}

}  // namespace

std::string report_json(const Outcome& outcome, Exit exit) {
  Json object;
  object["schema"] = 1;
  object["status"] = status_of(exit);
  object["complete"] = outcome.complete;
  object["dry_run"] = outcome.dry_run;
  object["deleted"] = outcome.deleted;
  object["started"] = format_time(outcome.started);
  object["guest_count"] = outcome.guests.size();
  object["files"] = outcome.files();
  object["bytes"] = outcome.bytes();
  object["read_files"] = outcome.read_files;
  object["read_bytes"] = outcome.read_bytes;
  object["linked_files"] = outcome.linked_files();
  object["freed_bytes"] = outcome.freed_bytes();
  object["freed_when_closed"] = outcome.freed_when_closed;
  object["shared_files"] = outcome.shared_files;
  object["shared_bytes"] = outcome.shared_bytes;
  object["copied_files"] = outcome.copied_files;
  object["copied_bytes"] = outcome.copied_bytes;
  object["stale_files"] = outcome.stale_files;
  object["unmarked_files"] = outcome.unmarked_files;
  object["adopted_files"] = outcome.adopted_files;
  object["recovered_files"] = outcome.recovered_files;
  object["guests"] = list_of(outcome.guests);
  object["filesystems"] = list_of(outcome.filesystems);
  object["skipped"] = json_of(outcome.skipped());
  object["failed"] = list_of(outcome.failed);
  object["notes"] = list_of(outcome.notes);
  object["seconds"] = {{"walk", outcome.walk_seconds},
                       {"prove", outcome.prove_seconds},
                       {"link", outcome.link_seconds},
                       {"total", outcome.total_seconds}};
  // A reason may quote a name; what is no UTF-8 in it becomes U+FFFD.
  return object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::vector<std::string> guest_roots(std::string_view report) {
  try {
    std::vector<std::string> roots;
    const Json object = Json::parse(report);
    for (const auto& guest : object.at("guests")) roots.push_back(bytes_at(guest, "root"));
    return roots;
  } catch (const Json::exception& error) {
    throw std::invalid_argument(std::string("not a report: ") + error.what());
  }
}

}  // namespace vunify
