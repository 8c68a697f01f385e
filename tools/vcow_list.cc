// SPDX-License-Identifier: Apache-2.0
#include "sys/process.h"
#include "tools/cli.h"
#include "tools/vcow.h"
#include "tools/vcow_shown.h"

namespace vunify {
namespace {

std::string json_of(const std::vector<Mounted>& all) {
  Json list = Json::array();
  for (const auto& one : all) list.push_back(shown_json(one));
  return list.dump() + "\n";
}

std::string text_of(const std::vector<Mounted>& all) {
  std::string text;
  for (const auto& one : all) text += shown_text(one);
  return text;
}

}  // namespace

Exit vcow_list(int argc, char** argv) {
  bool json = false;
  std::string run_dir = vcow_run_dir;
  CommandLine line("list [--json]",
                   "Tells what vcow shows now: the guest's root and where it is seen, the process, "
                   "passthrough or why not, and what was broken.");
  line.flag("--json", json, "as one JSON array");
  line.option("--run", "DIR", into(run_dir), "where each vcow notes what it does (default: /run/vcow)");
  line.parse(argc, argv);
  if (!is_root()) throw Failed(Exit::refused, "only root may see what is noted");
  const auto all = shown_now(run_dir);
  print(json ? json_of(all) : text_of(all));
  return Exit::done;
}

}  // namespace vunify
