#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kernel_tests.sh BIN SHARD SHARDS EVERY RACE: vunify's own tests in a kernel that has kernel-cow, guests kept apart by
# iunlink; run in User-Mode Linux by tests/kernel.sh. All that link, break, recover, race, are killed, find the disk full
# or a hostile guest; what knows nothing of protections (the index, reports, signals, other programs) is the same in every
# kernel, and ./dev check has it.
set -u
bin=$1
export GTEST_SHARD_INDEX="$2" GTEST_TOTAL_SHARDS="$3" VUNIFY_TEST_PROTECT=iunlink
# A system call takes ten times what it takes outside. Of what is drawn by chance one draw, of each sweep each EVERY-th
# step; a race lasts RACE seconds.
export VUNIFY_SWEEP_EVERY="$4" VUNIFY_RACE_SECONDS="$5"
VUNIFY_SEED=$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')
export VUNIFY_SEED
echo "VUNIFY_SEED=$VUNIFY_SEED"

# What cannot run there, with the reason.
left_out=
without() {  # without REASON TEST...
  shift
  for test; do left_out=$left_out:$test; done
}
without 'neither XFS nor btrfs is in this kernel, nor would they keep the flags' '*/xfs*' '*/btrfs*' '*Xfs*' '*Btrfs*' \
  '*Subvolume*' '*Snapshot*' '*Reflink*' 'Link.IsRefusedAcrossProjects' 'RemovingNames.*' 'RenewingAMark.*' \
  'InterruptedTagged*'
without 'vcow is for other kernels' '*Vcow*'
without 'thousands of threads at once, or of directories in each other, on one processor' '*/LeaseOn.IsNobodyElses*' \
  'VunifyNames.MayLieFiveThousand*'
without 'User-Mode Linux guesses where a process sleeps (/proc/PID/wchan), so nobody who waits for a lease is found' \
  'TurnAway.HasAWriter*' 'TurnAway.SendsAWriter*' '*/TurnAwayOn.*'
without 'the flags are set before a second guest has the inode, so nothing that one does can be taken back for all' \
  'LinkingTwentyGuests.*' 'LinkingOverUnprotected.TakesBackWhatOneGuest*' 'LinkingOverUnprotected.TakesBackAllWhereSomebody*' \
  'LinkingOverUnprotected.TakesBackAllBefore*' 'LinkingOver.TellsOfAWriter*' 'ProtectAgain.GivesBackWhatCan' \
  'LinkingOver.LeavesTheProcessor*'
without 'the flags cannot be set while somebody writes (ETXTBSY), which these tests do' \
  'Breaking.AFileThatSomebodyWritesTo*' 'LinkingOver.TurnsAwayWhoComesLate*' 'Interrupted.KeeperThatIsBeingWritten*' \
  'VunifyDeunify.OfAFileThatIsWrittenTo*'
without 'its calls are counted as a protection takes them that has to be lifted' 'VunifyDelete.GoesOnWhereItWasKilled'
without 'the kernel lets no guest take the flags off (cowtest, FlagsAreTheHosts)' 'VunifyFault.AGuestThatCouldTakeTheFlagOff*' \
  'VunifyFault.WhereOnlySuchGuests*'
without 'they say what a kernel without iunlink does' '*IunlinkIsRefused*' '*AutoNeverTakesImmutable*' \
  'Setattr.NamesWhatThisKernelCannotSet' 'Setattr.RefusesIunlinkWithoutAKernelForIt'
without 'nothing of it asks for flags, or other tests do the same' 'TurnAway.WaitsSix*' \
  '*ManyLocks*' 'PowerCut.*StateElsewhere' 'Vclone.CopiesWhatHasAll*' \
  'Vclone.Refuses*' 'Vclone.KeepsSystemd*' 'Vclone.ASignal*' 'Journal.*' \
  'Calls/VunifyFull.*/0' 'Calls/VunifyFull.*/2' 'Calls/VunifyFull.*/4'
without 'a clone under auto shares what they want copied' 'Vclone.LinksWhatIsSharedAndCopies*' 'Vclone.ADiskThatIsFull*'
without 'they know the letters of other kernels; ShowattrInKernelCow has those of this one' 'Showattr.*'

status=0
in_kernel='*InKernelCow*'
# Of each that is made for many filesystems one.
names() { "$bin/$1_test" --gtest_list_tests --gtest_filter="$2" | sed 's| *#.*||; s|/[^/]*$||' | uniq; }
run() {  # run PROGRAM TESTS
  echo "== $1"
  # Those nobody else runs.
  [ "$(names "$1" "$in_kernel")" = "$(names "$1" "$in_kernel-${left_out#:}")" ] || { echo "left out: $in_kernel"; status=1; }
  "$bin/$1_test" --gtest_filter="$in_kernel:$2-${left_out#:}" || status=1
}
run sys '*Link*:*Mark*:*Inode*:*Exchange*:*Lease*:*TurnAway*:*FileLocks*:*SwapFiles*:RootDir*'
run change '*'
run unify "*Clones*:*Linking*:*LinkLimit*:*Race*:Writers*:SwapFiles*:AgainstTheOracle*:*UnifyingRandom*:Crash*:PowerCut*:\
Places*:MovedAside*:LastName*:SecondName*:*SharingGroups*:*RestoreAttributes*:*RestoreProject*:NoView*"
run tools "Setattr*:CrashVclone*:Vclone*:*VunifyFault*:*VunifyFull*:*VunifyOnFull*:\
*VunifyProtect*:*VunifyDe*:*VunifyForged*"
exit $status
