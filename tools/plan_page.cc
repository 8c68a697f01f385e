// SPDX-License-Identifier: Apache-2.0
// One HTML file that needs no other, and no network: style, scripts and numbers are in it, and its policy lets a
// browser run these and load nothing. Names come as JSON, in which nothing can end a script or begin one.
#include <fmt/format.h>
#include <sodium.h>

#include <array>

#include "tools/plan.h"
#include "tools/text.h"

namespace vunify {
namespace {

#include "plan_page.inc"

std::string replace_all(std::string text, std::string_view what, std::string_view by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text.replace(at, what.size(), by);
  return text;
}

// These stand in strings of it alone.
std::string embedded(std::string json) {
  json = replace_all(std::move(json), "<", "\\u003c");
  json = replace_all(std::move(json), "\xe2\x80\xa8", "\\u2028");
  return replace_all(std::move(json), "\xe2\x80\xa9", "\\u2029");
}

// As a Content-Security-Policy names it.
std::string hash_of(std::string_view text) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
  ::crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size());
  return "'sha256-" + base64({reinterpret_cast<const char*>(hash.data()), hash.size()}) + "'";
}

std::string policy() {
  return fmt::format("default-src 'none'; style-src {}; script-src {} {}; base-uri 'none'; form-action 'none'",
                     hash_of(page_style), hash_of(chart_script), hash_of(page_script));
}

}  // namespace

std::string plan_page(const PlanReport& report) {
  return fmt::format(R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>vplan, {}</title>
<style>{}</style>
</head>
<body>
<main><h1>Disk use of the guests</h1></main>
<script type="application/json" id="plan">{}</script>
<script>{}</script>
<script>{}</script>
</body>
</html>
)",
                     policy(), date_of(report.today), page_style, embedded(plan_json(report)), chart_script,
                     page_script);
}

}  // namespace vunify
