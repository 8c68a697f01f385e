// SPDX-License-Identifier: Apache-2.0
// vplan: what it was asked, and what it tells. As text for people and as JSON for programs.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "account/plan.h"

namespace vunify {

struct PlanOptions {
  std::vector<std::string> words;  // "record", or none
  std::vector<std::string> what_if;
  bool neighbours = false;
  bool json = false;
  std::string html;    // a file; empty: none
  unsigned days = 30;  // for which guests that are added are to have room to grow
  std::string config = "/etc/vservers";
  std::string state_dir = "/var/lib/vunify";
  unsigned jobs = 1;
};

struct WhatIfAnswer {
  std::string question;  // as it was asked
  std::string answer;    // sentences, ready for a terminal
  nlohmann::ordered_json numbers;
};

struct GuestNeighbours {
  std::string guest;
  std::vector<std::pair<std::string, std::uint64_t>> others;  // and the bytes in common, about; most first
};

struct PlanReport {
  std::string host;  // its name, ready for a terminal
  Day today = 0;
  std::vector<Plan> filesystems;
  bool with_filesystems = true;  // or else only the answers were asked for
  std::vector<WhatIfAnswer> answers;
  std::vector<GuestNeighbours> neighbours;
};

std::string plan_text(const PlanReport& report);
// One object on one line, with a newline; sizes in bytes. Keys are only ever added. What is not known is null.
std::string plan_json(const PlanReport& report);
// An HTML page by itself, with the filesystems alone.
std::string plan_page(const PlanReport& report);

}  // namespace vunify
