// SPDX-License-Identifier: Apache-2.0
#include "packages/rpm_header.h"

#include <stdexcept>

#include "packages/big_endian.h"

namespace vunify {
namespace {

constexpr std::uint64_t head_bytes = 8, entry_bytes = 16;

// rpm's types; the width of a number, 0 for what is none.
enum Type : std::uint32_t { int8 = 2, int16 = 3, int32 = 4, one_string = 6, string_array = 8, i18n_string = 9 };
std::uint64_t width_of(std::uint32_t type) {
  if (type == 1 || type == int8) return 1;  // 1: char
  return type == int16 ? 2 : type == int32 ? 4 : 0;
}

bool is_text(std::uint32_t type) { return type == one_string || type == string_array || type == i18n_string; }

[[noreturn]] void refuse() { throw std::runtime_error("forged or damaged"); }

}  // namespace

// What is said twice was changed since the package was made: the last counts.
RpmHeader::RpmHeader(std::string_view bytes) {
  if (bytes.size() < head_bytes) refuse();
  const std::uint64_t entries = big_endian(bytes, 0), data_bytes = big_endian(bytes, 4);
  const auto data_at = head_bytes + entries * entry_bytes;
  if (data_at + data_bytes > bytes.size()) refuse();
  data_ = bytes.substr(data_at, data_bytes);
  for (auto at = head_bytes; at < data_at; at += entry_bytes)
    values_[big_endian(bytes, at)] = {big_endian(bytes, at + 4), big_endian(bytes, at + 8), big_endian(bytes, at + 12)};
}

const RpmHeader::Value* RpmHeader::find(RpmTag tag) const {
  const auto found = values_.find(static_cast<std::uint32_t>(tag));
  if (found == values_.end()) return nullptr;
  if (found->second.offset > data_.size()) refuse();
  return &found->second;
}

std::vector<std::string_view> RpmHeader::strings(RpmTag tag) const {
  std::vector<std::string_view> strings;
  const auto* value = find(tag);
  if (value == nullptr) return strings;
  if (!is_text(value->type)) refuse();
  auto left = data_.substr(value->offset);
  for (auto count = value->count; count > 0; --count) {
    const auto end = left.find('\0');
    if (end == std::string_view::npos) refuse();
    strings.push_back(left.substr(0, end));
    left.remove_prefix(end + 1);
  }
  return strings;
}

std::vector<std::uint32_t> RpmHeader::numbers(RpmTag tag) const {
  std::vector<std::uint32_t> numbers;
  const auto* value = find(tag);
  if (value == nullptr) return numbers;
  const auto width = width_of(value->type);
  if (width == 0 || value->count * width > data_.size() - value->offset) refuse();
  for (std::uint64_t i = 0; i < value->count; ++i)
    numbers.push_back(big_endian(data_, value->offset + i * width, width));
  return numbers;
}

std::string_view RpmHeader::string(RpmTag tag) const {
  const auto all = strings(tag);
  return all.empty() ? std::string_view() : all.front();
}

}  // namespace vunify
