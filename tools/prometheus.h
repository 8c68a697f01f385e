// SPDX-License-Identifier: Apache-2.0
// The text that Prometheus reads. node_exporter drops a file whole for one byte that is not UTF-8, and a series that is
// there twice without a word.
#pragma once

#include <string>

namespace vunify {

// What stands before the series of a name. type: "gauge", "counter".
std::string prometheus_head(const char* name, const char* help, const char* type = "gauge");

// A name, whatever bytes it has, between the quotes of a label. Different ones stay different.
std::string prometheus_label(const std::string& bytes);

}  // namespace vunify
