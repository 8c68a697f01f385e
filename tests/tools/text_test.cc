// SPDX-License-Identifier: Apache-2.0
#include "tools/text.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace vunify {
namespace {

using namespace std::chrono_literals;

TEST(Printable, LeavesOrdinaryNamesAlone) {
  EXPECT_EQ(printable("etc/passwd"), "etc/passwd");
  EXPECT_EQ(printable("usr/share/Füße/日本.txt"), "usr/share/Füße/日本.txt");
}

TEST(Printable, EscapesWhatATerminalActsOn) {
  EXPECT_EQ(printable("a\x1b[2Jb"), "a\\x1B[2Jb");
  EXPECT_EQ(printable("a\nb\tc\rd\x7f"), "a\\nb\\tc\\rd\\x7F");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "\\xC2\\x9B31m");  // CSI in one character
}

TEST(Printable, EscapesWhatIsInvisibleOrTurnsTextAround) {
  EXPECT_EQ(printable("gpj.\u202Eexe"), "gpj.\\xE2\\x80\\xAEexe");
  EXPECT_EQ(printable("a\u200Bb"), "a\\xE2\\x80\\x8Bb");
  EXPECT_EQ(printable("\u2066x\u2069"), "\\xE2\\x81\\xA6x\\xE2\\x81\\xA9");
  EXPECT_EQ(printable("\uFEFF"), "\\xEF\\xBB\\xBF");
  EXPECT_EQ(printable("\u2028"), "\\xE2\\x80\\xA8");
}

TEST(Printable, EscapesBytesThatAreNoUtf8) {
  EXPECT_EQ(printable("\xff\xfe"), "\\xFF\\xFE");
  EXPECT_EQ(printable("caf\xe9"), "caf\\xE9");
  EXPECT_EQ(printable("\xc0\xaf"), "\\xC0\\xAF");           // overlong "/"
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xED\\xA0\\x80");  // surrogate
  EXPECT_EQ(printable("\xe2\x82"), "\\xE2\\x82");           // cut off
  EXPECT_EQ(printable(std::string("a\0b", 3)), "a\\x00b");
}

// Undoes printable(); that it can be written at all says that different names stay different.
std::string undone(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      bytes += text[i];
      continue;
    }
    const char kind = text[++i];
    if (kind == 'x') {
      bytes += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      bytes += kind == 'n' ? '\n' : kind == 't' ? '\t' : kind == 'r' ? '\r' : '\\';
    }
  }
  return bytes;
}

TEST(Printable, KeepsDifferentNamesDifferent) {
  EXPECT_NE(printable("a\nb"), printable("a\\nb"));
  std::string bytes;
  std::srand(1);
  for (int i = 0; i < 20000; ++i) bytes += static_cast<char>(std::rand() % 3 == 0 ? '\\' : std::rand());
  EXPECT_EQ(undone(printable(bytes)), bytes);
}

TEST(Printable, IsPlainUtf8WithoutControls) {
  std::string bytes;
  std::srand(2);
  for (int i = 0; i < 20000; ++i) bytes += static_cast<char>(std::rand());
  const auto text = printable(bytes);
  EXPECT_TRUE(is_utf8(text));
  for (char byte : text) ASSERT_FALSE((byte >= 0 && byte < 32) || byte == 127);
}

TEST(OneLine, LeavesBackslashesButNoLineEnds) { EXPECT_EQ(one_line("a\\x1B\nb\x1b"), "a\\x1B\\nb\\x1B"); }

TEST(IsUtf8, KnowsTheEdges) {
  EXPECT_TRUE(is_utf8("") && is_utf8("\u007f\u0080\u07ff\u0800\uffff\U00010000\U0010FFFF"));
  for (const char* bad : {"\x80", "\xc2", "\xc1\x81", "\xe0\x9f\xbf", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf",
                          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xfe", "a\xffz"})
    EXPECT_FALSE(is_utf8(bad)) << bad;
}

TEST(Base64, IsRfc4648) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("\xff\xfe\xfd"), "//79");
}

TEST(Base64, ComesBack) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    EXPECT_EQ(from_base64(base64(bytes)), bytes);
    bytes += static_cast<char>(i);
  }
  EXPECT_EQ(from_base64("Zg="), std::nullopt);
  EXPECT_EQ(from_base64("Z!=="), std::nullopt);
}

TEST(ParseSize, KnowsKMG) {
  EXPECT_EQ(parse_size("0"), 0u);
  EXPECT_EQ(parse_size("10"), 10u);
  EXPECT_EQ(parse_size("4K"), 4096u);
  EXPECT_EQ(parse_size("3M"), 3u << 20);
  EXPECT_EQ(parse_size("5G"), 5ull << 30);
}

TEST(ParseSize, RefusesTheRest) {
  for (const char* bad :
       {"", "12Q", "K", "-1", "+1", " 1", "1 ", "1.5M", "4k", "0x10", "4KB", "18446744073709551616", "17179869185G"})
    EXPECT_EQ(parse_size(bad), std::nullopt) << bad;
}

TEST(ParseDuration, KnowsSecondsMinutesHours) {
  EXPECT_EQ(parse_duration("45"), 45s);
  EXPECT_EQ(parse_duration("30s"), 30s);
  EXPECT_EQ(parse_duration("90m"), 90min);
  EXPECT_EQ(parse_duration("2h"), 2h);
  for (const char* bad : {"", "h", "2d", "1h30m", "-5", "1.5h", "99999999999999999999", "9999999999h"})
    EXPECT_EQ(parse_duration(bad), std::nullopt) << bad;
}

TEST(FormatBytes, HasOneDecimalAndTheRightUnit) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1024), "1.0 KiB");
  EXPECT_EQ(format_bytes(2791728742), "2.6 GiB");
  EXPECT_EQ(format_bytes((1u << 20) - 1), "1.0 MiB");
  EXPECT_EQ(format_bytes(~0ull), "16.0 EiB");
}

TEST(FormatCount, SeparatesThousands) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1000), "1,000");
  EXPECT_EQ(format_count(342000), "342,000");
  EXPECT_EQ(format_count(~0ull), "18,446,744,073,709,551,615");
}

TEST(FormatSeconds, GrowsItsUnits) {
  EXPECT_EQ(format_seconds(0.42), "0.42 s");
  EXPECT_EQ(format_seconds(12.34), "12.3 s");
  EXPECT_EQ(format_seconds(59.99), "1 min 00 s");
  EXPECT_EQ(format_seconds(65), "1 min 05 s");
  EXPECT_EQ(format_seconds(3599.7), "1 h 00 min");
  EXPECT_EQ(format_seconds(7380), "2 h 03 min");
}

TEST(FormatTime, IsIso8601InUtc) {
  EXPECT_EQ(format_time({0, 0}), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_time({1709251199, 999999999}), "2024-02-29T23:59:59Z");
}

TEST(WidthOf, CountsCharactersNotBytes) { EXPECT_EQ(width_of("Füße"), 4u); }

}  // namespace
}  // namespace vunify
