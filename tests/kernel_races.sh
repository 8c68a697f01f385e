#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kernel_races.sh BIN COWTEST: races of the patch, and of vunify with guests that write, chmod and swap names, in a kernel
# that tests/kernel_x86.sh booted.
set -u
bin=$1 cowtest=$2
export VUNIFY_TEST_PROTECT=iunlink VUNIFY_RACE_SECONDS="${VUNIFY_RACE_SECONDS:-60}"
status=0
"$(dirname "$0")/kernel_cow.sh" "$cowtest" || status=1
"$bin/unify_test" --gtest_filter='Writers*:MetadataRace*:SwapRace*' || status=1
exit $status
