// SPDX-License-Identifier: Apache-2.0
#include "tools/ask_what_if.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <sstream>

#include "tools/cli.h"
#include "tools/group_savings.h"
#include "tools/json_bytes.h"
#include "tools/text.h"

namespace vunify {
namespace {

using Words = std::vector<std::string>;

constexpr auto questions = "add N like GUEST, upgrade PACKAGE [SIZE], deunify GUEST, move GUEST, unify [GROUP]";

Words words_of(const std::string& question) {
  std::istringstream in(question);
  Words words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

struct PlannedGuest {
  const Plan* plan = nullptr;
  const GuestPlan* guest = nullptr;
};

PlannedGuest find_planned(const std::string& name, const std::vector<Plan>& plans) {
  for (const auto& plan : plans)
    for (const auto& guest : plan.guests)
      if (guest.now.name == name) return {&plan, &guest};
  throw Failed(Exit::usage, printable(name) + ": there is no sample of such a guest");
}

std::string need_of(const Need& need) {
  return fmt::format("{} until they are unified, {} from then on", format_bytes(need.peak),
                     format_bytes(static_cast<std::uint64_t>(need.settled)));
}

std::string fits(bool does) { return does ? "fits" : "does not fit"; }

WhatIfAnswer add_like(const std::string& count, const PlannedGuest& asked) {
  std::uint64_t guests = 0;
  const auto end = std::from_chars(count.data(), count.data() + count.size(), guests);
  if (end.ec != std::errc() || *end.ptr != '\0' || guests == 0)
    throw Failed(Exit::usage, "--what-if: add: not a number");
  const auto& [each, at_peak, settled] = asked.guest->more;
  const Need all{guests * each.peak, static_cast<std::int64_t>(guests) * each.settled};
  const auto how = guests <= at_peak   ? "they fit, all at once"
                   : guests <= settled ? "they fit as clones, or night by night"
                                       : "they do not fit";
  auto text = fmt::format("{} more like {} take {}; {} are free: {}. At most {} fit, {} of them at once.", guests,
                          printable(asked.guest->now.name), need_of(all), format_bytes(asked.plan->now.available), how,
                          format_count(settled), format_count(at_peak));
  return {{},
          text,
          {{"peak", all.peak},
           {"settled", all.settled},
           {"fit", settled},
           {"fit_at_once", at_peak},
           {"fits", guests <= settled}}};
}

WhatIfAnswer deunify(const PlannedGuest& asked) {
  const auto [need, does_fit] = deunified(asked.plan->now, asked.guest->now);
  auto text = fmt::format("vunify -R {} takes {}; {} are free: it {}.", printable(asked.guest->now.name),
                          format_bytes(need), format_bytes(asked.plan->now.available), fits(does_fit));
  return {{}, text, {{"need", need}, {"fits", does_fit}}};
}

WhatIfAnswer move(const PlannedGuest& asked) {
  const auto moved = moved_away(asked.guest->now);
  auto text = fmt::format("without {} there is {} more; where it goes to, it takes {} to {}, by what is there already.",
                          printable(asked.guest->now.name), format_bytes(moved.freed), format_bytes(moved.freed),
                          format_bytes(moved.there.peak));
  return {{}, text, {{"freed", moved.freed}, {"need_there", moved.there.peak}}};
}

std::string by_how_much(std::int64_t bytes) {
  if (bytes == 0) return "as much as before";
  return format_bytes(static_cast<std::uint64_t>(std::abs(bytes))) + (bytes > 0 ? " more" : " less");
}

std::string text_of(const Upgrade& answer, const PackageSize& size, const Plan& plan) {
  auto text = fmt::format("{}: in {} it takes {} until they are unified, {} from then on; {} are free",
                          printable(plan.now.path), counted(size.guests, "guest"), format_bytes(answer.need.peak),
                          by_how_much(answer.need.settled), format_bytes(plan.now.available));
  if (answer.guests_a_round == size.guests) return text + ": it fits, all at once.";
  if (answer.guests_a_round == 0) return text + ": it does not fit.";
  return text + fmt::format(": it fits in rounds of {}, with a night between.", answer.guests_a_round);
}

WhatIfAnswer upgrade_package(const Question& question, const std::vector<Plan>& plans) {
  const auto after = question.words.size() == 3 ? parse_size(question.words[2]) : std::nullopt;
  WhatIfAnswer told{{}, {}, {{"filesystems", Json::array()}}};
  for (const auto& [fs, size] : question.sizes) {
    const auto plan = std::ranges::find(plans, fs, [](const Plan& each) { return each.now.fs; });
    if (plan == plans.end()) continue;
    const auto answer = upgrade(plan->now.available, size.guests, size.on_disk, after.value_or(size.largest));
    told.answer += (told.answer.empty() ? "" : "\n") + text_of(answer, size, *plan);
    told.numbers["filesystems"].push_back({{"uuid", to_string(fs)},
                                           {"guests", size.guests},
                                           {"peak", answer.need.peak},
                                           {"settled", answer.need.settled},
                                           {"guests_a_round", answer.guests_a_round}});
  }
  if (!told.answer.empty()) return told;
  throw Failed(Exit::usage, printable(question.words[1]) + ": no guest of whom there is a sample has it");
}

// What is shared by now is nobody's alone: no more than that can become free.
std::uint64_t exclusive_of_all(const Plan& plan) {
  std::uint64_t exclusive = 0;
  for (const auto& guest : plan.guests) exclusive += guest.now.usage.exclusive;
  return exclusive;
}

WhatIfAnswer unify_group(const std::map<FsId, GroupSavings>& of_filesystems, const std::vector<Plan>& plans) {
  WhatIfAnswer told{{}, {}, {{"filesystems", Json::array()}}};
  for (const auto& [fs, savings] : of_filesystems) {
    const auto plan = std::ranges::find(plans, fs, [](const Plan& each) { return each.now.fs; });
    if (plan == plans.end()) continue;
    const auto freed = std::min(savings.bytes, exclusive_of_all(*plan));
    told.answer += fmt::format("{}{}: to unify {} frees about {}, as far as path, size and time tell.",
                               told.answer.empty() ? "" : "\n", printable(plan->now.path),
                               counted(savings.guests, "guest"), format_bytes(freed));
    told.numbers["filesystems"].push_back({{"uuid", to_string(fs)}, {"guests", savings.guests}, {"freed", freed}});
  }
  if (!told.answer.empty()) return told;
  throw Failed(Exit::usage, "--what-if: unify: there is no sample of such a group's guests");
}

bool is_question(const Words& words) {
  if (!words.empty() && words.size() <= 2 && words[0] == "unify") return true;
  if (words.size() == 4) return words[0] == "add" && words[2] == "like";
  if (words.size() == 3) return words[0] == "upgrade" && parse_size(words[2]);
  return words.size() == 2 && (words[0] == "upgrade" || words[0] == "deunify" || words[0] == "move");
}

WhatIfAnswer answer_words(const Question& question, const std::vector<Plan>& plans) {
  const auto& words = question.words;
  if (words[0] == "upgrade") return upgrade_package(question, plans);
  const auto asked = find_planned(words.back(), plans);
  if (words[0] == "add") return add_like(words[1], asked);
  return words[0] == "deunify" ? deunify(asked) : move(asked);
}

}  // namespace

Question read_question(const std::string& text, const std::string& config) {
  Question question{text, words_of(text), {}, {}};
  if (!is_question(question.words))
    throw Failed(Exit::usage, "--what-if: " + printable(text) + ": not one of: " + questions);
  const auto& words = question.words;
  if (words[0] == "upgrade") question.sizes = package_sizes(words[1], config);
  if (words[0] == "unify") question.roots = roots_of_group(words.size() == 2 ? words[1] : "", config);
  return question;
}

WhatIfAnswer answer_to(const Question& question, const std::vector<Plan>& plans, const Stop& stop) {
  const bool is_unify = question.words[0] == "unify";
  auto answer = is_unify ? unify_group(group_savings(question.roots, stop), plans) : answer_words(question, plans);
  answer.question = question.text;
  return answer;
}

}  // namespace vunify
