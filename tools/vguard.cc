// SPDX-License-Identifier: Apache-2.0
// vguard: puts the guard into the kernel, tells of it, takes it out.
#include <fmt/format.h>

#include <array>
#include <initializer_list>

#include "hashindex/guard_again.h"
#include "hashindex/index.h"
#include "sys/guard.h"
#include "sys/guard_programs.h"
#include "tools/cli.h"
#include "tools/json_bytes.h"
#include "tools/lock_state.h"
#include "tools/options.h"
#include "tools/session.h"
#include "tools/text.h"
#include "tools/verbs.h"

namespace vunify {
namespace {

// The options that every verb takes.
std::string parse(int argc, char** argv, CommandLine& line, std::initializer_list<Exit> exits) {
  std::string state = Options().state_dir;
  line.option("--state", "DIR", directory_into(state), "where vunify's index is (default: /var/lib/vunify)");
  line.exits(exits);
  line.parse(argc, argv);
  return state;
}

void refuse_where_it_cannot_be() {
  if (const auto hindrance = what_hinders_guard(); !hindrance.empty()) throw Failed(Exit::refused, hindrance);
}

// No run marks, or unprotects, meanwhile, and no other of us is at work. Without a state nobody has shared anything.
std::optional<StateDir> lock_where_there_is_one(const std::string& state) {
  if (!StateView::open(state)) return std::nullopt;
  return lock_state(state);
}

std::string files(std::uint64_t count) { return format_count(count) + (count == 1 ? " file" : " files"); }

// Says why what it knows cannot be had. Without an index nothing was ever shared: nothing is returned, and nothing
// said.
Index::Opened open_index(const std::string& state) {
  auto opened = Index::open(state, lmdb::Access::read);
  if (!opened.index && !opened.note.empty()) complain(printable(index_path(state)) + ": " + opened.note);
  return opened;
}

void tell_unreached(std::uint64_t count) {
  if (count > 0)
    complain(files(count) + " that cannot be reached: mount the filesystems of their guests, then vguard load");
}

// Some shared files stand unguarded: nobody but the next run of vunify can do something about that.
bool tell_left(const GuardedAgain& again) {
  if (again.without_room > 0)
    complain(files(again.without_room) + " more than it has room for: while no guest runs, vguard unload, vguard load");
  if (again.changed > 0)
    complain(files(again.changed) + " not as recorded, or open for writing: left to the next run of vunify");
  tell_unreached(again.unreached);
  return again.without_room + again.changed + again.unreached > 0;
}

Exit load(int argc, char** argv) {
  CommandLine line("load [options]",
                   "Puts the guard into the kernel, or a newer one in its place, and under it what vunify's index "
                   "knows.");
  const auto state =
      parse(argc, argv, line, {Exit::done, Exit::partial, Exit::usage, Exit::refused, Exit::locked, Exit::fatal});
  begin_as_root("put a program into the kernel");
  refuse_where_it_cannot_be();
  const auto lock = lock_where_there_is_one(state);
  const auto opened = open_index(state);
  try {
    load_guard(opened.index ? 4 * count_guarded(opened.index->store()) : 0);
  } catch (const GuardRefused& refused) {
    throw Failed(Exit::refused, printable(refused.what()));
  }
  const auto again = opened.index ? guard_again(opened.index->store()) : GuardedAgain();
  print("guard loaded: " + files(GuardedInodes::now().count()) + " guarded\n");
  const bool is_left = tell_left(again);
  return is_left || !opened.note.empty() ? Exit::partial : Exit::done;
}

struct GuardStatus {
  bool is_loaded = false;
  std::string hindrance{};
  std::uint64_t guarded = 0;
  std::uint64_t room = 0;
  std::optional<std::uint64_t> known{};  // to the index, those that are gone since its last run among them
  std::uint64_t bare = 0;                // of these, not guarded; not loaded: all that are known
  std::uint64_t unreached = 0;           // of these, not to be told of
  std::string note{};                    // why the index could not be read

  bool is_whole() const { return is_loaded && bare + unreached == 0 && note.empty(); }
};

GuardStatus guard_status(const std::string& state) {
  GuardStatus status{.is_loaded = is_guard_loaded(), .hindrance = what_hinders_guard()};
  status.guarded = GuardedInodes::now().count();
  if (status.is_loaded) status.room = guard_room();
  const auto opened = open_index(state);
  status.note = opened.note;
  if (!opened.index) return status;
  status.known = count_guarded(opened.index->store());
  status.bare = *status.known;
  if (!status.is_loaded) return status;
  const auto found = find_unguarded(opened.index->store());
  status.bare = found.bare;
  status.unreached = found.unreached;
  return status;
}

std::string text_of(const GuardStatus& status) {
  const auto bare = files(status.bare) + " that guests share stand" + (status.bare == 1 ? "s" : "") + " unguarded";
  if (status.is_loaded)
    return fmt::format("loaded: {} guarded, room for {}\n{}", files(status.guarded), format_count(status.room),
                       status.bare == 0 ? "" : bare + ": vguard load\n");
  return fmt::format("not loaded: {}\n{}", status.hindrance.empty() ? "vguard load" : status.hindrance,
                     status.bare == 0 ? "" : "up to " + bare + "\n");
}

Json json_of(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

std::string json_of(const GuardStatus& status) {
  Json object;
  object["schema"] = "vunify.guard/1";
  object["loaded"] = status.is_loaded;
  object["hindrance"] = json_of(status.hindrance);
  object["guarded"] = status.guarded;
  object["room"] = status.room;
  object["known"] = status.known ? Json(*status.known) : Json(nullptr);
  object["unguarded"] = status.bare;
  object["unreached"] = status.unreached;
  object["note"] = json_of(status.note);
  return object.dump() + "\n";
}

Exit status(int argc, char** argv) {
  bool json = false;
  CommandLine line("status [options]",
                   "Tells whether the guard is loaded, whether the kernel can, and how many files it guards.");
  line.flag("--json", json, "as one JSON object");
  const auto state = parse(argc, argv, line, {Exit::done, Exit::partial, Exit::usage, Exit::refused, Exit::fatal});
  begin_as_root("ask the kernel");
  const auto status = guard_status(state);
  print(json ? json_of(status) : text_of(status));
  tell_unreached(status.unreached);
  return status.is_whole() ? Exit::done : Exit::partial;
}

Exit unload(int argc, char** argv) {
  CommandLine line("unload [options]",
                   "Takes the guard out of the kernel: from then on guests can write to what they share under it.");
  const auto state = parse(argc, argv, line, {Exit::done, Exit::usage, Exit::refused, Exit::locked, Exit::fatal});
  begin_as_root("take a program out of the kernel");
  const auto lock = lock_where_there_is_one(state);
  const auto guarded = GuardedInodes::now().count();
  if (!unload_guard()) throw Failed(Exit::refused, "the guard is not loaded");
  print("guard unloaded: " + files(guarded) + " unguarded\n");
  return Exit::done;
}

constexpr std::array verbs = {
    NamedVerb{"load", "", "put the guard into the kernel, and under it what guests share by it", load},
    NamedVerb{"status", "", "tell whether it is there, whether the kernel can, how many files it guards", status},
    NamedVerb{"unload", "", "take it out", unload},
};

Exit vguard(int argc, char** argv) {
  return carry_out(argc, argv, verbs,
                   "Keeps a program in the kernel that refuses writes to what guests share; see vguard(8).",
                   {Exit::done, Exit::partial, Exit::usage, Exit::refused, Exit::locked, Exit::fatal});
}

}  // namespace
}  // namespace vunify

int main(int argc, char** argv) { return vunify::run_tool(argc, argv, vunify::vguard); }
