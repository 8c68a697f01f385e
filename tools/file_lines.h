// SPDX-License-Identifier: Apache-2.0
// A line for each file, as vunify and vhashify of util-vserver wrote them: the more -v, the more of them.
//
//     1   "  skipping '/path'"                 with --manually and in vhashify; else from the second -v on
//     2   "unifying   '/path'", "deunifying '/path'", and a reason behind each skip: " (excluded by LIST)"
//     3   what is unified already is skipped, too
//     4   from whom a file is unified: " (from GUEST)"; from 5 on its root
//
// A dry run of these two is told as from 2 on. What is no regular file has no line.
#pragma once

#include <string>

#include "tools/options.h"
#include "unify/file_end.h"

namespace vunify {

class FileLines {
 public:
  // options outlive it.
  explicit FileLines(const Options& options);

  // Absent where there are no lines to be. Outlived by this.
  TellFile teller();
  const std::string& text() const { return text_; }

 private:
  void add(const FileEnd& file);
  std::string line_of(const FileEnd& file) const;
  std::string reason_of(const FileEnd& file) const;

  const Options& options_;
  unsigned level_;
  std::string guest_;  // whose line was the last
  std::string text_;
};

}  // namespace vunify
