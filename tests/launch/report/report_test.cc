#include "launch/report/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "data/dataset/manifest.h"
#include "launch/report/page_assets.h"
#include "tests/launch/report/run_folder.h"

namespace permafrost::launch {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

size_t count_of(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

// A folder with every file a run can have.
void fill(const RunFolder& folder, size_t classes, int64_t steps) {
  std::vector<Json> log;
  for (int64_t step = 1; step <= steps; ++step) log.push_back(step_line(step, 2.0 / static_cast<double>(step)));
  folder.write("metrics.jsonl", lines(log));
  folder.write(
      "status.json",
      Json{{"state", "done"}, {"step", steps}, {"steps", steps}, {"epoch", 4.0}, {"ranks", 2}, {"resumes", 3}});
  folder.write("config.json", Json::array({Json{{"name", "recipe.epochs"}, {"value", "41"}, {"origin", "a.ini"}},
                                           Json{{"name", "recipe.seed"}, {"value", "0"}, {"origin", "default"}}}));
  folder.write("environment.json", Json{{"version", "0.1.0"}, {"cores", 2}});
  folder.write("eval.json", evaluation(classes, 9, "natural"));
  folder.write("eval_shuffled.json", evaluation(classes, 1, "shuffled"));
  folder.write("probe.json", Json{{"top1", 0.375}, {"regularisations", {Json{{"l2", 0.01}, {"top1", 0.375}}}}});
}

std::string rendered(const RunFolder& folder) { return render_report(read_run(folder.options())); }

// No tag but void ones stays open, none is closed that was not opened.
std::string unbalanced_tag(const std::string& html) {
  std::string body = html.substr(html.find("<body>"), html.find("<script>") - html.find("<body>")) + "</body>";
  const std::regex tag("<(/?)([a-z0-9]+)(?:[^>\"]|\"[^\"]*\")*?(/?)>");
  std::vector<std::string> open;
  for (std::sregex_iterator at(body.begin(), body.end(), tag), end; at != end; ++at) {
    bool is_closing = (*at)[1].length() > 0;
    bool is_empty = (*at)[3].length() > 0;
    if (is_empty) continue;
    if (!is_closing) {
      open.push_back((*at)[2]);
    } else if (open.empty() || open.back() != (*at)[2]) {
      return "</" + (*at)[2].str() + ">";
    } else {
      open.pop_back();
    }
  }
  return open.empty() ? "" : "<" + open.back() + ">";
}

TEST(Report, ShowsTheNumbersOfTheFiles) {
  RunFolder folder;
  fill(folder, 4, 5);
  std::string html = rendered(folder);
  EXPECT_THAT(html, HasSubstr(">90.0\u202F%<"));  // DiST: 9 of 10
  EXPECT_THAT(html, HasSubstr(">37.5\u202F%<"));  // probe
  EXPECT_THAT(html, HasSubstr(">25.0\u202F%<"));  // chance
  EXPECT_THAT(html, HasSubstr(">50.0\u202F%<"));  // shuffled: 1 of 2
  EXPECT_THAT(html, HasSubstr("+52.5 points"));
  EXPECT_THAT(html, HasSubstr("\u221240.0 points"));
  EXPECT_THAT(html, HasSubstr("step 5 of 5 \u00B7 epoch 4 \u00B7 2 ranks"));
  EXPECT_THAT(html, HasSubstr("Median 123.4 samples per second. Peak memory 1.00\u202FGiB."));
  EXPECT_THAT(html, HasSubstr("<td class=\"number\">80.0\u202Fms</td><td class=\"number\">80.0\u202F%</td>"));
  EXPECT_THAT(html, HasSubstr("first 2, last 0.4, lowest 0.4, highest 2."));
  EXPECT_THAT(html, HasSubstr("3 resumes from a checkpoint"));
  EXPECT_THAT(html, HasSubstr("<code>recipe.epochs</code></th><td><code>41</code></td><td>a.ini</td>"));
  EXPECT_THAT(html, HasSubstr("class 1 taken for class 2: 1 (10.0\u202F%)"));
}

TEST(Report, GivesTheWilsonInterval) {
  RunFolder folder;
  fill(folder, 4, 5);  // 36 of 40: 0.769 to 0.960 by Wilson's formula with z = 1.96
  EXPECT_THAT(rendered(folder), HasSubstr("95 % interval 76.9 to 96.0\u202F%, 40 videos"));
}

TEST(Report, EscapesEveryNameOfTheUser) {
  const std::string hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
  RunFolder folder;
  Json eval = evaluation(2, 4, "natural");
  eval["classes"] = {hostile, "</title>" + hostile};
  eval["split"] = hostile;
  eval["mistakes"] = Json::array(
      {Json{{"video_id", hostile}, {"path", hostile}, {"label", hostile}, {"predicted", hostile}, {"score", 1}}});
  Json step = step_line(1, 1);
  step["time"] = hostile;
  folder.write("metrics.jsonl", lines({step, Json{{"event", hostile}, {"step", 1}, {"checkpoint", hostile}}}));
  folder.write("eval.json", eval);
  folder.write("config.json", Json::array({Json{{"name", hostile}, {"value", hostile}, {"origin", hostile}}}));
  folder.write("environment.json", Json{{hostile, hostile}, {"list", {hostile}}});
  folder.write_index(
      {{"key", {{"codec", hostile}}}, {"totals", {{"shards", 0}, {"bytes", 0}, {"records", 0}, {"rejected", 0}}}});
  data::write_manifest(folder.manifest(),
                       {".", data::LabelMap({hostile}), {{.status = "rejected", .reason = hostile}}});
  RunSummary run = read_run(folder.options());
  run.name = hostile;
  std::string html = render_report(run);
  EXPECT_EQ(count_of(html, "<script>"), 1u);
  EXPECT_EQ(count_of(html, "<title>alert"), 0u);
  EXPECT_THAT(html, Not(HasSubstr("<img")));
  EXPECT_THAT(html, Not(HasSubstr("\"'>")));
  EXPECT_GT(count_of(html, "&lt;script&gt;alert(1)&lt;/script&gt;"), 15u);
  EXPECT_EQ(unbalanced_tag(html), "");
}

TEST(Report, NeedsNothingButItself) {
  RunFolder folder;
  fill(folder, 12, 200);
  std::string html = rendered(folder);
  for (const char* reference :
       {"http:", "https:", "//", "src=", "href=", "url(", "@import", "<link", "<iframe", "fetch("}) {
    EXPECT_THAT(html, Not(HasSubstr(reference)));
  }
  EXPECT_THAT(html, HasSubstr("default-src 'none'"));
}

TEST(Report, AllowsOnlyTheScriptItCarries) {
  RunFolder folder;
  fill(folder, 2, 2);
  std::string html = rendered(folder);
  EXPECT_THAT(html, HasSubstr("script-src '" + script_digest() + "'"));
  EXPECT_THAT(html, HasSubstr("<script>" + std::string(kScript) + "</script>"));
}

TEST(Report, DigestIsTheBase64OfTheScriptsSha256) {
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bits;
  for (char digit : core::sha256_hex(kScript)) {
    int value = digit <= '9' ? digit - '0' : digit - 'a' + 10;
    for (int bit = 3; bit >= 0; --bit) bits += (value >> bit) & 1 ? '1' : '0';
  }
  std::string found;
  for (char character : script_digest().substr(std::string("sha256-").size())) {
    size_t value = alphabet.find(character);
    if (value == std::string::npos) continue;  // the pad
    for (int bit = 5; bit >= 0; --bit) found += (value >> bit) & 1 ? '1' : '0';
  }
  EXPECT_EQ(script_digest().size(), 7u + 44u);
  EXPECT_EQ(found.substr(0, 256), bits);
}

TEST(Report, StandsBesideOtherRunsWithWhatDiffers) {
  const RunFolder folder, other, bare;
  fill(folder, 16, 40);
  fill(other, 16, 40);
  other.write("config.json", Json::array({Json{{"name", "recipe.epochs"}, {"value", "7<i>"}, {"origin", "a.ini"}},
                                          Json{{"name", "recipe.seed"}, {"value", "0"}, {"origin", "default"}}}));
  other.write("eval.json", evaluation(16, 3, "natural"));
  bare.write("metrics.jsonl", lines({step_line(1, 2.0)}));
  const RunSummary run = read_run(folder.options());
  EXPECT_THAT(render_report(run), Not(HasSubstr("Beside other runs")));
  const std::string html = render_report(run, {read_run(other.options()), read_run(bare.options())});
  EXPECT_EQ(unbalanced_tag(html), "");
  const size_t begin = html.find("id=\"comparison\"");
  ASSERT_NE(begin, std::string::npos);
  const std::string section = html.substr(begin, html.find("</section>", begin) - begin);
  EXPECT_EQ(count_of(section, ">recipe.epochs<"), 1u);
  EXPECT_THAT(section, HasSubstr("7&lt;i&gt;"));
  EXPECT_EQ(count_of(section, ">recipe.seed<"), 0u) << "the same in both that tell it";
  EXPECT_EQ(count_of(section, "class=\"number\">2.0000<"), 1u) << "the loss of the run of one line";
}

TEST(Report, SaysWhatIsMissing) {
  RunFolder folder;
  folder.write("status.json", Json{{"state", "failed"}, {"step", 7}, {"steps", 9}});
  std::string html = rendered(folder);
  EXPECT_THAT(html, HasSubstr(">Failed</span> step 7 of 9"));
  for (const char* sentence : {"no eval.json", "No step was logged", "No times were logged", "Not evaluated by class",
                               "No manifest", "No cache was given", "no config.json", "no environment.json"}) {
    EXPECT_THAT(html, HasSubstr(sentence));
  }
  EXPECT_EQ(unbalanced_tag(html), "");
}

TEST(Report, SaysWhenTheLossWasNotFinite) {
  RunFolder folder;
  Json diverged = step_line(2, 0);
  diverged["loss"] = nullptr;
  folder.write("metrics.jsonl", lines({step_line(1, 1), diverged, step_line(3, 1)}));
  std::string html = rendered(folder);
  EXPECT_THAT(html, HasSubstr("The loss was not finite at 1 logged step."));
  EXPECT_THAT(html, Not(HasSubstr("nan")));
}

TEST(Report, TellsWhichTimesWereNotLogged) {
  RunFolder folder;
  Json step = step_line(1, 1);
  step.erase("communication_ms");
  folder.write("metrics.jsonl", lines({step}));
  EXPECT_THAT(rendered(folder), HasSubstr("Not logged by itself: communication."));
}

TEST(Report, RendersRunsOfOneAndOfManyClasses) {
  for (size_t classes : {1, 2, 30, 31, 41, 700}) {
    RunFolder folder;
    fill(folder, classes, 3);
    std::string html = rendered(folder);
    size_t cells = count_of(html, "<g class=\"right\">");
    EXPECT_EQ(cells, std::min<size_t>(classes, 30)) << classes;
    EXPECT_EQ(html.find(" of " + std::to_string(classes) + " classes with most mistakes") != std::string::npos,
              classes > 30);
    EXPECT_THAT(html, HasSubstr(class_name(classes - 1)));
    EXPECT_EQ(unbalanced_tag(html), "") << classes;
  }
}

TEST(Report, StaysSmallForALongRun) {
  RunFolder folder;
  fill(folder, 4, 20000);
  EXPECT_LT(rendered(folder).size(), 400u << 10);
}

TEST(Report, KeepsASpikeOfALongRun) {
  RunFolder folder;
  std::vector<Json> log;
  for (int64_t step = 1; step <= 5000; ++step) log.push_back(step_line(step, step == 3333 ? 77.0 : 1.0));
  folder.write("metrics.jsonl", lines(log));
  EXPECT_THAT(rendered(folder), HasSubstr("|77|"));
}

TEST(Report, IsTheSameForTheSameRun) {
  RunFolder folder;
  fill(folder, 5, 50);
  EXPECT_EQ(rendered(folder), rendered(folder));
}

TEST(Report, IsWrittenWhereItWasAsked) {
  RunFolder folder;
  fill(folder, 3, 3);
  write_report(folder.options());
  EXPECT_EQ(core::read_text(folder.options().out_path), rendered(folder));
}

TEST(Report, LeavesNoPageOfABrokenRun) {
  RunFolder folder;
  folder.write("eval.json", std::string("{]"));
  EXPECT_THROW(write_report(folder.options()), core::DataError);
  EXPECT_THROW(core::read_text(folder.options().out_path), core::IoError);
}

}  // namespace
}  // namespace permafrost::launch
