// SPDX-License-Identifier: Apache-2.0
#include "tools/prometheus.h"

#include <fmt/format.h>

#include <cstdint>

#include "tools/text.h"

namespace vunify {
namespace {

// FNV-1a: the same in every run, so that a series keeps its label.
std::uint32_t hash_of(const std::string& bytes) {
  std::uint32_t hash = 2166136261;
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 16777619;
  return hash;
}

std::string in_utf8(const std::string& bytes) {
  if (is_utf8(bytes)) return bytes;
  std::string text;
  for (const char byte : bytes) text += static_cast<unsigned char>(byte) < 0x80 ? std::string(1, byte) : "\xEF\xBF\xBD";
  return fmt::format("{}#{:08x}", text, hash_of(bytes));
}

}  // namespace

std::string prometheus_head(const char* name, const char* help, const char* type) {
  return fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
}

std::string prometheus_label(const std::string& bytes) {
  std::string text;
  for (const char byte : in_utf8(bytes)) {
    if (byte == '\\' || byte == '"') text += '\\';
    text += byte == '\n' ? std::string("\\n") : std::string(1, byte);
  }
  return text;
}

}  // namespace vunify
