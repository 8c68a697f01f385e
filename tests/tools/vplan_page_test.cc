// SPDX-License-Identifier: Apache-2.0
// vplan --html, drawn by a real browser that has no network.
#include <gmock/gmock.h>
#include <png.h>

#include <cstdlib>
#include <map>

#include "account/ledger.h"
#include "tests/root_test.h"
#include "tests/tools/made_history.h"

namespace vunify::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using Colour = std::uint32_t;  // 0xRRGGBB

constexpr auto hostile = "</script><script>document.title='owned'</script>";

// How many pixels of it have each colour.
std::map<Colour, std::size_t> colours_of(const std::string& path) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  EXPECT_NE(png_image_begin_read_from_file(&image, path.c_str()), 0) << image.message;
  image.format = PNG_FORMAT_RGB;
  std::vector<unsigned char> bytes(PNG_IMAGE_SIZE(image));
  EXPECT_NE(png_image_finish_read(&image, nullptr, bytes.data(), 0, nullptr), 0) << image.message;
  std::map<Colour, std::size_t> count;
  for (std::size_t i = 0; i + 2 < bytes.size(); i += 3)
    ++count[Colour{bytes[i]} << 16 | Colour{bytes[i + 1]} << 8 | Colour{bytes[i + 2]}];
  return count;
}

// Whoever lays a colour over another may round.
std::size_t pixels_about(const std::map<Colour, std::size_t>& colours, Colour wanted) {
  const auto is_near = [](Colour a, Colour b, int shift) {
    return std::abs(static_cast<int>(a >> shift & 0xff) - static_cast<int>(b >> shift & 0xff)) <= 2;
  };
  std::size_t pixels = 0;
  for (const auto& [colour, count] : colours)
    if (is_near(colour, wanted, 0) && is_near(colour, wanted, 8) && is_near(colour, wanted, 16)) pixels += count;
  return pixels;
}

class VplanPage : public RootTest {
 protected:
  void SetUp() override {
    RootTest::SetUp();
    if (IsSkipped()) return;
    dir_.make_directory("state");
    auto samples = history(20, {1, 2, 0}, hostile);
    samples.back().contents = {{hostile, "usr/lib/libc.so", 2 * mib, 3}, {"db", "f", mib, 2}};
    History(dir_ / "state", lmdb::Access::write).keep(samples);
    limit_all(490 * mib);
    ASSERT_EQ(run({"vplan", "--state", dir_ / "state", "--html", dir_ / "page.html"}).status, 0);
  }

  // Both guests have this number.
  void limit_all(std::uint64_t space) const {
    const Ledger ledger(dir_ / "state", lmdb::Access::write);
    auto change = ledger.change();
    change.put(LimitKey{{1, 2, 0}, 42}, {.total = {space, no_limit}});
    change.commit();
  }
  Finished browse(const std::string& options) const {
    return shell(
        "timeout 60 chromium --headless=new --no-sandbox --disable-gpu --host-resolver-rules='MAP * ~NOTFOUND' "
        "--enable-logging=stderr --virtual-time-budget=3000 --window-size=800,3000 --user-data-dir=" +
        (dir_ / "browser") + " " + options + " file://" + (dir_ / "page.html"));
  }
  // scheme: 0 is dark, 1 light (blink's preferred_color_scheme.h).
  std::map<Colour, std::size_t> draw(int scheme) const {
    browse("--blink-settings=preferredColorScheme=" + std::to_string(scheme) + " --screenshot=" + (dir_ / "page.png"));
    return colours_of(dir_ / "page.png");
  }

  static std::string host() {
    const auto line = shell("uname -n").out;
    return line.substr(0, line.find('\n'));
  }

  const Scratch dir_;
};

TEST_F(VplanPage, IsRootsAloneAndAsksForNothing) {
  EXPECT_EQ(dir_.inode("page.html").mode & 07777, 0600u);
  const auto page = dir_.read("page.html");
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  for (const auto* load : {" src=", "<link", "@import", "url("}) EXPECT_THAT(page, Not(HasSubstr(load))) << load;
}

TEST_F(VplanPage, HasItsNumbersInTables) {
  const auto drawn = browse("--dump-dom");
  EXPECT_THAT(drawn.out, HasSubstr("2.3 GiB used, 7.4 GiB free"));
  EXPECT_THAT(drawn.out, HasSubstr("outgrows 490.0 MiB in 20 days."));
  EXPECT_THAT(drawn.out, HasSubstr("<td>290.0 MiB</td><td>210.0 MiB</td><td>10.0 MiB a day</td>"));
  EXPECT_THAT(drawn.out, HasSubstr("<td>2495610880</td>"));  // 2,380 MiB
  EXPECT_THAT(drawn.out, HasSubstr("<th scope=\"row\">&lt;/script&gt;&lt;script&gt;"));
  EXPECT_THAT(drawn.out, HasSubstr("<td>490.0 MiB</td><td>290.0 MiB</td><td>59 %</td><td>in 20 days</td>"));
  EXPECT_THAT(drawn.out, HasSubstr(":/usr/lib/libc.so</th><td>2.0 MiB</td><td>3</td><td>4.0 MiB</td>"));
  EXPECT_THAT(drawn.out, HasSubstr("<title>vplan, " + host() + ", "));
  EXPECT_THAT(drawn.out, HasSubstr("<h1>Disk use of the guests of " + host() + "</h1>"));
  EXPECT_THAT(drawn.out, HasSubstr("Full: in 381 days."));
  EXPECT_THAT(drawn.err, Not(HasSubstr("Content Security Policy")));
  EXPECT_THAT(drawn.err, Not(HasSubstr("CONSOLE")));
}

TEST_F(VplanPage, IsDrawnAsTheReaderHasIt) {
  auto light = draw(1), dark = draw(0);
  for (const Colour bar : {0xb3541eU, 0x2f6fb3U}) {  // exclusive and shared, and no pixel of them by night
    EXPECT_GT(light[bar], 1'000u) << std::hex << bar;
    EXPECT_EQ(dark[bar], 0u) << std::hex << bar;
  }
  for (const Colour bar : {0xe8935aU, 0x6ea8e6U}) EXPECT_GT(dark[bar], 1'000u) << std::hex << bar;
  EXPECT_GT(light[0xffffff], 100'000u);
  EXPECT_GT(dark[0x14171a], 100'000u);
  for (const Colour bar : {0xb3261eU, 0x2e7d32U})
    EXPECT_GT(light[bar], 1'000u) << std::hex << bar;  // of limits, and files
  EXPECT_GT(pixels_about(light, 0xcbdecb), 10'000u);   // below what was saved: a quarter of the green on white
}

}  // namespace
}  // namespace vunify::test
