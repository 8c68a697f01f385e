// SPDX-License-Identifier: Apache-2.0
#include "account/usage.h"

namespace vunify {

Usage& Usage::operator+=(const Usage& other) {
  logical += other.logical;
  exclusive += other.exclusive;
  fair += other.fair;
  inodes += other.inodes;
  deunify_need += other.deunify_need;
  return *this;
}

}  // namespace vunify
