// SPDX-License-Identifier: Apache-2.0
#include "fleet/push.h"

#include <algorithm>

#include "account/take_sample.h"
#include "db/bytes.h"
#include "fleet/schema.h"

namespace vunify {
namespace {

constexpr auto done = "done", sketched = "sketch", used = "usage";

bool is_sunday(Day day) { return (day % 7 + 7) % 7 == 3; }  // 1970-01-01 was a Thursday

std::int64_t taken(const std::vector<Sample>& samples) {
  std::int64_t latest = 0;
  for (const auto& sample : samples) latest = std::max(latest, sample.taken.sec);
  return latest;
}

std::string day_text(const std::vector<Sample>& samples) { return date_of(day_of(samples.front().taken)); }

Values row_of(const std::string& host, const Sample& sample) {
  const auto sum = sum_of(sample.holders);
  const auto guests =
      std::ranges::count_if(sample.holders, [](const HolderSample& holder) { return holder.name != host_name; });
  return {host,
          date_of(day_of(sample.taken)),
          to_string(sample.fs),
          sample.path,
          sample.total,
          sample.used,
          sample.available,
          guests,
          sum.logical,
          sum.exclusive,
          sum.fair};
}

Values row_of(const std::string& host, const Sample& sample, const HolderSample& holder) {
  const auto& usage = holder.usage;
  return {host,
          date_of(day_of(sample.taken)),
          to_string(sample.fs),
          holder.name,
          holder.xid ? Value(*holder.xid) : Value(std::nullopt),
          usage.logical,
          usage.exclusive,
          usage.fair,
          usage.inodes,
          usage.deunify_need};
}

Values row_of(const std::string& host, const std::string& guest, Day day, const Sketch& sketch) {
  return {host, guest, date_of(day), sketch.least(), Value::blob(to_bytes(sketch))};
}

TableRows top_of(const std::string& host, const HostSketches& sketches) {
  struct Content {
    std::uint64_t bytes = 0;
    int guests = 0;
  };
  std::map<std::uint64_t, Content> contents;
  for (const auto& [guest, sketch] : sketches.guests) {
    const auto top = sketch.smaller(HostSketches::top_size);
    for (const auto& kept : top.kept()) {
      auto& content = contents[kept.hash];
      content.bytes = kept.bytes;
      ++content.guests;
    }
  }
  TableRows rows;
  for (const auto& [hash, content] : contents)
    rows.push_back({host, static_cast<std::int64_t>(hash), content.bytes, content.guests});
  return rows;
}

}  // namespace

std::string to_bytes(const Sketch& sketch) {
  std::string bytes;
  for (const auto& content : sketch.kept()) {
    put(bytes, content.hash);
    put(bytes, content.bytes);
  }
  return bytes;
}

Sketch sketch_from(std::string_view bytes, double least) {
  std::vector<HashedContent> contents(bytes.size() / 16);
  Unpack in(bytes);
  for (auto& content : contents) {
    content.hash = in.take<std::uint64_t>();
    content.bytes = in.take<std::uint64_t>();
  }
  const auto size = contents.size();
  return Sketch(std::move(contents), size, least);
}

Push::Push(Database& database, FleetHost host, bool by_copy)
    : database_(database), host_(std::move(host)), by_copy_(by_copy) {}

void Push::claim(bool take_over) {
  database_.carry_out({{.sql = "INSERT INTO fleet_host (host, identity) VALUES ($1, $2) ON CONFLICT (host) DO NOTHING",
                        .values = {host_.name, host_.identity}}});
  if (take_over)
    database_.carry_out(
        {{.sql = "UPDATE fleet_host SET identity = $2 WHERE host = $1", .values = {host_.name, host_.identity}}});
  const auto own = database_.ask("SELECT identity, last_day, sketch_day, key_id, names FROM fleet_host WHERE host = $1",
                                 {host_.name});
  if (own.size() != 1 || own.text(0, 0) != host_.identity) throw NameTaken(own.size() == 1 ? own.text(0, 1) : "");
  last_day_ = own.text(0, 1);
  sketch_day_ = own.text(0, 2);
  key_id_ = own.text(0, 3);
  names_ = own.text(0, 4);
  const auto days = database_.ask("SELECT day, state, names, taken FROM fleet_push WHERE host = $1", {host_.name});
  for (std::size_t i = 0; i < days.size(); ++i)
    known_[days.text(i, 0)] = {days.text(i, 1), days.text(i, 2), days.number(i, 3)};
}

bool Push::take_back_future(Day today) {
  const auto tomorrow = date_of(today + 1);  // it may be that one already where another push of ours began
  if (last_day_ <= tomorrow && sketch_day_ <= tomorrow) return false;
  std::erase_if(known_, [&](const auto& day) { return day.first > tomorrow; });
  Value last = std::nullopt;
  for (const auto& [day, known] : known_)
    if (known.taken > 0) last = day;
  std::vector<Statement> step{own_row("last_day = $3, sketch_day = NULL", {last})};
  for (const auto* table : {"fleet_filesystem", "fleet_usage", "fleet_push"})
    step.push_back({.sql = std::string("DELETE FROM ") + table + " WHERE host = $1 AND day > $2",
                    .values = {host_.name, tomorrow}});
  database_.carry_out(step);
  sketch_day_.clear();
  return true;
}

bool Push::wants_usage(const std::vector<Sample>& samples, Day today) const {
  const auto day = day_of(samples.front().taken);
  if (day > today || (day < today - days_kept && !is_sunday(day))) return false;
  const auto known = known_.find(date_of(day));
  return known == known_.end() || known->second.taken < taken(samples) ||
         (known->second.taken == taken(samples) && known->second.names != host_.names);
}

void Push::usage(const std::vector<Sample>& samples) {
  const auto day = day_text(samples);
  TableRows filesystems, guests;
  for (const auto& sample : samples) {
    filesystems.push_back(row_of(host_.name, sample));
    for (const auto& holder : sample.holders) guests.push_back(row_of(host_.name, sample, holder));
  }
  const auto roomiest = std::ranges::max(samples, {}, &Sample::available).available;
  std::vector<Statement> step{
      own_row("available = CASE WHEN last_day > $3 THEN available ELSE $4 END, last_day = GREATEST(last_day, $3)",
              {day, roomiest})};
  for (const auto* table : {"fleet_filesystem", "fleet_usage"})
    step.push_back(
        {.sql = std::string("DELETE FROM ") + table + " WHERE host = $1 AND day = $2", .values = {host_.name, day}});
  insert(step, fleet::filesystem, filesystems);
  insert(step, fleet::usage, guests);
  step.push_back({.sql = "INSERT INTO fleet_push (host, day, state, taken, names) VALUES ($1, $2, $3, $4, $5) ON "
                         "CONFLICT (host, day) DO UPDATE SET taken = excluded.taken, names = excluded.names",
                  .values = {host_.name, day, used, taken(samples), host_.names}});
  database_.carry_out(step);
}

bool Push::wants_sketches(Day day) const {
  const auto text = date_of(day);
  if (key_id_ != host_.key_id || names_ != host_.names || sketch_day_.empty()) return true;
  const auto known = known_.find(text);
  return sketch_day_ < text || (sketch_day_ == text && (known == known_.end() || known->second.state != done));
}

void Push::sketches(const HostSketches& sketches) {
  const auto known = known_.find(date_of(sketches.day));
  const bool is_begun = known != known_.end() && known->second.state == sketched;
  if (!is_begun || key_id_ != host_.key_id || names_ != host_.names) sketch_step(sketches);
  top_step(sketches);
}

// Whoever changes it first has the others wait until he is done.
Statement Push::own_row(const std::string& set, Values values) const {
  values.insert(values.begin(), {host_.name, host_.identity});
  return {.sql = "UPDATE fleet_host SET " + set + " WHERE host = $1 AND identity = $2",
          .values = std::move(values),
          .changes_one_row = true};
}

Statement Push::state(Day day, const char* state) const {
  return {.sql =
              "INSERT INTO fleet_push (host, day, state, taken, names) VALUES ($1, $2, $3, 0, $4) ON CONFLICT "
              "(host, day) DO UPDATE SET state = excluded.state",
          .values = {host_.name, date_of(day), state, host_.names}};
}

void Push::insert(std::vector<Statement>& step, const Table& table, const TableRows& rows) const {
  auto inserts = by_copy_ ? copies(table, rows) : upserts(table, rows);
  std::ranges::move(inserts, std::back_inserter(step));
}

void Push::sketch_step(const HostSketches& sketches) {
  TableRows rows{row_of(host_.name, all_guests, sketches.day, sketches.all)};
  for (const auto& [guest, sketch] : sketches.guests) rows.push_back(row_of(host_.name, guest, sketches.day, sketch));
  std::vector<Statement> step{
      own_row("sketch_day = $3, key_id = $4, names = $5", {date_of(sketches.day), host_.key_id, host_.names})};
  for (const auto* table : {"fleet_sketch", "fleet_top"})
    step.push_back({.sql = std::string("DELETE FROM ") + table + " WHERE host = $1", .values = {host_.name}});
  insert(step, fleet::sketch, rows);
  step.push_back(state(sketches.day, sketched));
  database_.carry_out(step);
}

// And takes away what is too old, as this is once a day.
void Push::top_step(const HostSketches& sketches) {
  std::vector<Statement> step{own_row("sketch_day = $3", {date_of(sketches.day)})};
  step.push_back({.sql = "DELETE FROM fleet_top WHERE host = $1", .values = {host_.name}});
  insert(step, fleet::top, top_of(host_.name, sketches));
  for (const auto* table : {"fleet_filesystem", "fleet_usage", "fleet_push"})
    step.push_back(
        {.sql = std::string("DELETE FROM ") + table + " WHERE host = $1 AND day < $2 AND EXTRACT(DOW FROM day) <> 0",
         .values = {host_.name, date_of(sketches.day - days_kept)}});
  step.push_back(state(sketches.day, done));
  database_.carry_out(step);
}

}  // namespace vunify
