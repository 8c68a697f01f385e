#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kernel_tests.sh BIN SHARD SHARDS: vunify's own tests in a kernel that has kernel-cow, guests kept apart by iunlink; run
# in User-Mode Linux by tests/kernel.sh.
set -u
bin=$1
export GTEST_SHARD_INDEX="$2" GTEST_TOTAL_SHARDS="$3" VUNIFY_TEST_PROTECT=iunlink

# What cannot run there, with the reason.
left_out=
without() {  # without REASON TEST...
  shift
  for test; do left_out=$left_out:$test; done
}
without 'FUSE has no passthrough here, and vcow is for other kernels' '*Vcow*'

without 'they know the letters of other kernels; ShowattrInKernelCow has those of this one' 'Showattr.*'

status=0
for program in sys change unify tools; do
  echo "== $program"
  "$bin/${program}_test" --gtest_filter="-${left_out#:}" || status=1
done
exit $status
