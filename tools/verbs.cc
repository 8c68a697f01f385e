// SPDX-License-Identifier: Apache-2.0
#include "tools/verbs.h"

#include <fmt/format.h>

#include "tools/text.h"

namespace vunify {
namespace {

std::string usage(std::span<const NamedVerb> verbs, std::string_view about, const std::vector<Exit>& exits) {
  auto text = fmt::format("Usage: {} VERB [options] ...\n{}\n\n", tool_name(), about);
  for (const auto& verb : verbs)
    text += fmt::format("  {:24}  {}\n", fmt::format("{} {}", verb.name, verb.operands), verb.help);
  return text + fmt::format("\n  --help, --version; {} VERB --help says more\n", tool_name()) + exit_line(exits);
}

}  // namespace

Exit carry_out(int argc, char** argv, std::span<const NamedVerb> verbs, std::string_view about,
               const std::vector<Exit>& exits) {
  const std::string_view word = argc > 1 ? argv[1] : "";
  if (word == "--help") answer(usage(verbs, about, exits));
  if (word == "--version") answer(version_line());
  for (const auto& verb : verbs)
    if (verb.name == word) return verb.carry_out(argc - 1, argv + 1);
  const auto reason = word.empty() ? "no verb given" : printable(word) + ": no such verb";
  throw Failed(Exit::usage, fmt::format("{} (see {} --help)", reason, tool_name()));
}

}  // namespace vunify
