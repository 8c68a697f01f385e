// SPDX-License-Identifier: Apache-2.0
#include "tools/list.h"

#include <algorithm>
#include <array>

#include "tools/json_bytes.h"
#include "tools/named_guest.h"
#include "tools/text.h"

namespace vunify {
namespace {

using GuestRow = std::array<std::string, 6>;

std::string state_of(const ListedGuest& guest) {
  const std::string now = guest.is_running ? "running" : "stopped";
  return guest.is_off ? now + ", off" : now;
}

bool is_protected(const ListedGuest& guest) { return !guest.protection.empty() && guest.protection != "none"; }

// "reflink, auto": a word tells why; what stands against it is a sentence, and a note.
std::string protection_of(const ListedGuest& guest) {
  if (!guest.left_alone.empty() || guest.is_off || guest.protection.empty()) return "-";
  if (!is_protected(guest) || guest.protection_reason.empty()) return guest.protection;
  return guest.protection + ", " + guest.protection_reason;
}

GuestRow row_of(const ListedGuest& guest, const std::vector<ListedGuest>& all) {
  return {printable(name_among(guest, all)),
          guest.provider,
          guest.xid ? std::to_string(*guest.xid) : "-",
          state_of(guest),
          protection_of(guest),
          guest.root.empty() ? "-" : printable(guest.root)};
}

std::vector<std::string> notes_of(const ListedGuest& guest) {
  std::vector<std::string> notes;
  if (!guest.left_alone.empty()) notes.push_back("left alone: " + guest.left_alone);
  if (guest.is_off) notes.push_back("off: taken back by -R; name it to unify it again");
  if (guest.left_alone.empty() && !guest.no_links.empty()) notes.push_back(guest.no_links);
  if (guest.left_alone.empty() && !is_protected(guest) && !guest.protection_reason.empty())
    notes.push_back(guest.protection_reason);
  for (const auto& other : guest.also_known) notes.push_back("also known as " + other);
  return notes;
}

std::string line_of(const GuestRow& row, const std::array<std::size_t, 6>& widths) {
  std::string line;
  for (std::size_t i = 0; i < row.size(); ++i) {
    line += (i == 0 ? "" : "  ") + row[i];
    if (i + 1 < row.size()) line.append(widths[i] - width_of(row[i]), ' ');
  }
  return line + "\n";
}

Json json_of(const ListedGuest& guest) {
  const auto text_or_null = [](const std::string& text) {
    return text.empty() ? Json(nullptr) : Json(printable(text));
  };
  Json object;
  put_bytes(object, "name", guest.name);
  object["provider"] = guest.provider;
  if (guest.root.empty())
    object["root"] = nullptr;
  else
    put_bytes(object, "root", guest.root);
  object["xid"] = guest.xid ? Json(*guest.xid) : Json(nullptr);
  object["running"] = guest.is_running;
  object["off"] = guest.is_off;
  object["protection"] = text_or_null(guest.protection);
  object["protection_reason"] = text_or_null(guest.protection_reason);
  object["left_alone"] = text_or_null(guest.left_alone);
  object["no_links"] = text_or_null(guest.no_links);
  object["also_known"] = Json::array();
  for (const auto& other : guest.also_known) object["also_known"].push_back(printable(other));
  return object;
}

}  // namespace

std::string list_text(const std::vector<ListedGuest>& guests) {
  if (guests.empty()) return "no guests\n";
  std::vector<GuestRow> rows{{"guest", "provider", "xid", "state", "protection", "root"}};
  for (const auto& guest : guests) rows.push_back(row_of(guest, guests));
  std::array<std::size_t, 6> widths{};
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  auto text = line_of(rows.front(), widths);
  for (std::size_t i = 0; i < guests.size(); ++i) {
    text += line_of(rows[i + 1], widths);
    for (const auto& note : notes_of(guests[i])) text += "    " + one_line(note) + "\n";
  }
  return text;
}

std::string list_json(const std::vector<ListedGuest>& guests) {
  Json object;
  object["schema"] = 1;
  object["guests"] = Json::array();
  for (const auto& guest : guests) object["guests"].push_back(json_of(guest));
  return object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace vunify
