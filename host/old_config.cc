// SPDX-License-Identifier: Apache-2.0
// The grammar is sh's as far as assignments go (POSIX, Shell Command Language 2.2, 2.3): words, quotes, comments, and
// what ends a command.
#include "host/old_config.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

#include "host/config_file.h"

namespace vunify {
namespace {

// After one of these what stands in the script may be run once, many times, or not at all.
constexpr std::array<std::string_view, 8> compound_words = {"if",    "case",   "for",      "while",
                                                            "until", "select", "function", "{"};

struct Word {
  std::string text;
  int line = 0;
  bool has_syntax = false;  // unquoted, something that is more than its letters
};

bool is_one_of(char c, std::string_view set) { return set.find(c) != set.npos; }

class Script {
 public:
  Script(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  bool has_more() const { return !text_.empty(); }

  // The words up to the end of the command.
  std::vector<Word> take_command() {
    std::vector<Word> words;
    for (skip_blanks(); has_more() && !is_one_of(text_.front(), "\n;"); skip_blanks()) words.push_back(take_word());
    if (has_more()) take();
    return words;
  }

 private:
  char take() {
    const char c = text_.front();
    text_.remove_prefix(1);
    if (c == '\n') ++line_;
    return c;
  }

  void skip_blanks() {
    while (has_more()) {
      if (is_one_of(text_.front(), " \t\r"))
        take();
      else if (text_.starts_with("\\\n"))
        take(), take();
      else if (text_.front() == '#')
        text_.remove_prefix(std::min(text_.find('\n'), text_.size()));
      else
        return;
    }
  }

  Word take_word() {
    Word word{{}, line_};
    while (has_more() && !is_one_of(text_.front(), " \t\r\n;")) take_piece(word);
    return word;
  }

  void take_piece(Word& word) {
    const char c = take();
    if (c == '\'' || c == '"') return take_quoted(word, c);
    if (c == '\\') return take_escaped(word);
    word.has_syntax = word.has_syntax || is_one_of(c, "$`()&|<>");
    word.text += c;
  }

  void take_quoted(Word& word, char quote) {
    const int begin = line_;
    while (has_more() && text_.front() != quote) {
      const char c = take();
      const bool escapes = quote == '"' && c == '\\' && has_more() && is_one_of(text_.front(), "$`\"\\\n");
      word.has_syntax = word.has_syntax || (quote == '"' && is_one_of(c, "$`"));
      escapes ? take_escaped(word) : word.text.push_back(c);
    }
    if (!has_more()) throw Misconfigured({file_, begin, "a quote has no end"});
    take();
  }

  void take_escaped(Word& word) {
    if (!has_more()) return;
    if (const char c = take(); c != '\n') word.text += c;
  }

  std::string_view text_;
  const std::string& file_;
  int line_ = 1;
};

bool is_letter(char c) { return c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0; }

// The variable itself, or whatever is done with it.
bool is_about(const Word& word, std::string_view variable) {
  return word.text.starts_with(variable) &&
         (word.text.size() == variable.size() || !is_letter(word.text[variable.size()]));
}

bool is_assignment(const Word& word) {
  const auto name_end = std::ranges::find_if_not(word.text, is_letter);
  return name_end != word.text.begin() && name_end != word.text.end() && *name_end == '=';
}

// Only assignments, or `export` and names or assignments.
bool is_plain(const std::vector<Word>& command) {
  if (command.front().text != "export") return std::ranges::all_of(command, is_assignment);
  return std::all_of(command.begin() + 1, command.end(),
                     [](const Word& word) { return is_assignment(word) || std::ranges::all_of(word.text, is_letter); });
}

bool begins_compound(const std::vector<Word>& command) {
  const auto& first = command.front();
  return std::ranges::find(compound_words, first.text) != compound_words.end() || first.text.ends_with("()");
}

void expect_plain(const std::vector<Word>& command, const Word& word, bool is_conditional, const std::string& file) {
  const auto variable = word.text.substr(0, word.text.find('='));
  if (word.has_syntax) throw Misconfigured({file, word.line, variable + " is computed: write its value"});
  if (!is_plain(command) || is_conditional)
    throw Misconfigured({file, word.line, "only a shell could tell what becomes of " + variable});
}

}  // namespace

std::optional<Assigned> shell_assignment(std::string_view text, std::string_view variable, const std::string& file) {
  std::optional<Assigned> last;
  bool is_conditional = false;
  for (Script script(text, file); script.has_more();) {
    const auto command = script.take_command();
    if (command.empty()) continue;
    is_conditional = is_conditional || begins_compound(command);
    for (const auto& word : command) {
      if (!is_about(word, variable)) continue;
      expect_plain(command, word, is_conditional, file);
      if (is_assignment(word)) last = {word.text.substr(variable.size() + 1), word.line};
    }
  }
  return last;
}

}  // namespace vunify
