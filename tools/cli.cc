// SPDX-License-Identifier: Apache-2.0
// The only file that sees CLI11: it parses, the table of options and the wording are ours.
#include "tools/cli.h"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <filesystem>
#include <system_error>

#include "tools/text.h"

namespace vunify {
namespace {

[[noreturn]] void reject_value(const char* reason) { throw std::invalid_argument(reason); }

// CLI11 writes some reasons on several lines, and closes with a full stop or a line end.
std::string in_one_line(std::string message) {
  while (!message.empty() && (message.back() == '\n' || message.back() == '.' || message.back() == ' '))
    message.pop_back();
  for (auto at = message.find('\n'); at != std::string::npos; at = message.find('\n', at)) message.replace(at, 1, "; ");
  return message;
}

Failed usage_error(const std::string& message) { return {Exit::usage, message + " (see " + tool_name() + " --help)"}; }

}  // namespace

Take into(std::string& value) {
  return [&value](const std::string& given) { value = given; };
}

Take into(std::vector<std::string>& values) {
  return [&values](const std::string& given) { values.push_back(given); };
}

Take path_into(std::string& path) {
  return [&path](const std::string& given) {
    if (given.empty()) reject_value("wants a path");
    if (given == "-") reject_value("wants a file: standard output is none, and one of this name is ./-");
    path = std::filesystem::absolute(given).lexically_normal();
  };
}

Take directory_into(std::string& path) {
  return [&path](const std::string& given) {
    std::error_code unseen;
    if (!std::filesystem::is_directory(given, unseen)) reject_value("no such directory");
    path = std::filesystem::absolute(given).lexically_normal();
  };
}

Take size_into(std::uint64_t& bytes) {
  return [&bytes](const std::string& given) {
    const auto size = parse_size(given);
    if (!size) reject_value("not a size");
    bytes = *size;
  };
}

Take duration_into(std::optional<std::chrono::seconds>& time) {
  return [&time](const std::string& given) {
    const auto duration = parse_duration(given);
    if (!duration) reject_value("not a time");
    time = duration;
  };
}

Take count_into(unsigned& count) {
  return [&count](const std::string& given) {
    const auto number = parse_size(given);
    const bool digits = std::ranges::all_of(given, [](char letter) { return letter >= '0' && letter <= '9'; });
    if (!digits || !number || *number == 0 || *number > 4096) reject_value("not a number from 1 to 4096");
    count = static_cast<unsigned>(*number);
  };
}

Take choice_into(std::string& value, std::vector<std::string> choices) {
  return [&value, choices = std::move(choices)](const std::string& given) {
    if (std::ranges::find(choices, given) == choices.end())
      throw std::invalid_argument(fmt::format("not one of {}", fmt::join(choices, ", ")));
    value = given;
  };
}

struct CommandLine::Table {
  struct Row {
    std::string left, help;
  };
  std::string synopsis, description;
  std::vector<Row> rows;
  std::vector<Exit> exits;
  bool help = false, version = false;
  std::vector<std::string>*operands = nullptr, *tail = nullptr;
  std::size_t operands_before = 0;
  CLI::App app;

  // A positional of CLI11 takes a name like "[a,b]" for a list, so operands are what it leaves over.
  void take_operands() const {
    bool only_operands = false;
    auto* taking = operands;
    for (const auto& word : app.remaining()) {
      const bool option = !only_operands && word.size() > 1 && word[0] == '-';
      if (option && word == "--") {
        only_operands = true;
        if (tail != nullptr && operands->size() >= operands_before) taking = tail;
        continue;
      }
      if (option) throw usage_error(printable(word) + ": no such option");
      if (taking == nullptr) throw usage_error(printable(word) + ": not expected");
      taking->push_back(word);
    }
  }

  std::string text() const {
    std::size_t width = 0;
    for (const auto& row : rows) width = std::max(width, row.left.size());
    auto text = fmt::format("Usage: {} {}\n{}\n\n", tool_name(), synopsis, description);
    for (const auto& row : rows) text += fmt::format("  {:{}}  {}\n", row.left, width, row.help);
    return exits.empty() ? text : text + exit_line(exits);
  }
};

CommandLine::CommandLine(std::string synopsis, std::string description) : table_(std::make_unique<Table>()) {
  table_->synopsis = std::move(synopsis);
  table_->description = std::move(description);
  table_->app.set_help_flag();
  table_->app.allow_extras();
  flag("--help", table_->help, "print a summary of the options");
  flag("--version", table_->version, "print the version");
}

CommandLine::~CommandLine() = default;

void CommandLine::flag(const std::string& names, bool& given, const std::string& help) {
  table_->app.add_flag_function(names, [&given](std::int64_t) { given = true; })->disable_flag_override();
  table_->rows.push_back({names, help});
}

void CommandLine::flag(const std::string& names, unsigned& times, const std::string& help) {
  const auto count = [&times](std::int64_t given) { times = static_cast<unsigned>(given); };
  table_->app.add_flag_function(names, count)->disable_flag_override();
  table_->rows.push_back({names, help});
}

void CommandLine::flag(const std::string& name, std::string& word, const std::string& plain,
                       std::vector<std::string> choices, const std::string& help) {
  const auto taken = [name, &word, plain, take = choice_into(word, std::move(choices))](const std::string& given) {
    if (given == "true") return void(word = plain);  // CLI11's word for none
    try {
      take(given);
    } catch (const std::invalid_argument& error) {
      throw Failed(Exit::usage, name + ": " + printable(given) + ": " + error.what());
    }
  };
  table_->app.add_flag(name)->each(taken);
  table_->rows.push_back({name, help});
}

void CommandLine::option(const std::string& names, const std::string& placeholder, Take take, const std::string& help) {
  const auto named = names.substr(names.rfind(',') + 1);
  auto taken = [take = std::move(take), named](const std::string& value) {
    try {
      take(value);
    } catch (const std::invalid_argument& error) {
      throw Failed(Exit::usage, named + ": " + (value.empty() ? "" : printable(value) + ": ") + error.what());
    } catch (const std::system_error& error) {
      throw Failed(Exit::usage, named + ": " + printable(error.what()));
    }
  };
  table_->app.add_option_function<std::string>(names, taken)->trigger_on_parse()->type_name(placeholder);
  table_->rows.push_back({names + " " + placeholder, help});
}

void CommandLine::operands(const std::string& placeholder, std::vector<std::string>& values, const std::string& help) {
  table_->operands = &values;
  table_->rows.push_back({placeholder, help});
}

void CommandLine::tail(const std::string& placeholder, std::size_t operands, std::vector<std::string>& values,
                       const std::string& help) {
  table_->tail = &values;
  table_->operands_before = operands;
  table_->rows.push_back({placeholder, help});
}

void CommandLine::exits(std::vector<Exit> codes) { table_->exits = std::move(codes); }

void CommandLine::parse(int argc, char** argv) {
  try {
    table_->app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    throw usage_error(printable(in_one_line(error.what())));
  }
  if (table_->help) answer(table_->text());
  if (table_->version) answer(version_line());
  table_->take_operands();
}

}  // namespace vunify
