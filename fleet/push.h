// SPDX-License-Identifier: Apache-2.0
// What one host tells the fleet, in steps: the usage of each day that is not there yet, then the sketches of its
// guests, then which contents tell it apart. A step is one transaction, which also writes how far it came, and leaves
// the same when it is done twice: killed anywhere, the next push goes on from the last step that is done.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "account/day.h"
#include "account/sample.h"
#include "account/sketch.h"
#include "fleet/database.h"
#include "fleet/table.h"

namespace vunify {

struct FleetHost {
  std::string name;
  std::string identity;  // of the machine: two that have one name are told apart
  std::string key_id;    // FleetKey::id() of the key by which its contents have numbers
  std::string names;     // how guests are called: "" as they are, or the id of the key by which they are hidden
};

struct GuestSketch {
  std::string guest;
  Sketch sketch;
};

inline constexpr auto all_guests = "";  // the name of a host's own sketch

struct HostSketches {
  static constexpr std::size_t all_size = 8192;  // of a host's own: it holds more than a guest
  static constexpr std::size_t top_size = 64;    // of a guest, in fleet_top

  Day day = 0;
  std::vector<GuestSketch> guests;  // no two of one name
  Sketch all{{}};                   // of the contents of all of them
};

// Another machine has pushed under this name.
struct NameTaken : std::runtime_error {
  explicit NameTaken(std::string day) : std::runtime_error("name taken"), last_day(std::move(day)) {}
  std::string last_day;  // of that one; empty: none
};

class Push {
 public:
  static constexpr Day days_kept = 400;  // of older ones only Sundays

  // by_copy: rows go by COPY.
  Push(Database& database, FleetHost host, bool by_copy = false);

  // Makes the name this machine's, or learns what was pushed under it before. Throws NameTaken; take_over: instead it
  // is this machine's from now on.
  void claim(bool take_over);
  // The sketches that are there are of another key: nobody is compared with them until there are new ones.
  bool has_another_key() const { return !key_id_.empty() && key_id_ != host_.key_id; }

  // Where the clock was ahead once, it takes back the days to come that it left; else it returns false.
  bool take_back_future(Day today);

  // Of one day, one a filesystem. Names and paths in them are as they are to be stored, none twice on a filesystem.
  bool wants_usage(const std::vector<Sample>& samples, Day today) const;
  void usage(const std::vector<Sample>& samples);

  // Not where those of this day are there, or later ones.
  bool wants_sketches(Day day) const;
  void sketches(const HostSketches& sketches);

 private:
  struct Known {
    std::string state, names;
    std::int64_t taken = 0;
  };
  Statement own_row(const std::string& set, Values values) const;
  Statement state(Day day, const char* state) const;
  void insert(std::vector<Statement>& step, const Table& table, const TableRows& rows) const;
  void sketch_step(const HostSketches& sketches);
  void top_step(const HostSketches& sketches);

  Database& database_;
  FleetHost host_;
  bool by_copy_;
  std::string last_day_, key_id_, names_, sketch_day_;  // that are there; the latter of the sketches
  std::map<std::string, Known> known_;                  // by day
};

std::string to_bytes(const Sketch& sketch);
Sketch sketch_from(std::string_view bytes, double least);

}  // namespace vunify
