# Tests under a sanitizer (VUNIFY_SANITIZE). A program takes a tenth of a second to start there, as long as most tests: so
# each runs many tests of its own, in parts that ctest runs beside each other. What is left out, ./dev check has.

# Hundreds of runs that are killed, whose starts alone take minutes, of code that all other tests run, too; a process of
# one thread that is forked at each instruction; a filesystem of which no path of ours is another; tens of thousands of
# files, which show nothing about memory that fewer do not; and a browser that draws.
set(left_out *InKernelCow* Crash* PowerCut* KilledOnce* *KilledAtAnyStep* *AtEachStore* */btrfs* *HoldsSeventyThousand*
    *FiveThousandDirectoriesDeep* *HundredThousandUnique* VplanPage*)
if(VUNIFY_SANITIZE STREQUAL "thread")
  list(APPEND left_out */xfs*)
  # It has threads of its own in each process, which no sandbox of ours holds.
  list(APPEND left_out *LeaveNoThreadOutsideTheSandbox*)
  # A night for each way to damage an index: what the threads of a night do, the others show.
  list(APPEND left_out IndexNight*)
  # One program after another does something to a mount: of the two ways AddressSanitizer sees that one.
  foreach(suite Differences HugeFile Idmapped Limits MountVcow Names Ownership Programs ProtectedFile Readers RealLife
      Refused Semantics Sizes VcowStatus Ways)
    list(APPEND left_out BothWays/${suite}.*/nopassthrough)
  endforeach()
  # Processor time that threads have no part in: many guests drawn by chance, each failure of each call, bytes damaged.
  list(APPEND left_out *UnifyingRandom* *AgainstTheOracle* *Receive*Damaged* *NoGarbageHarms* Stream.* *Fault.OfAnyStep* *ProtectedFile.OfAsMany*)
else()
  # Where the kernel reads and writes for the daemon, that has the less to do: ThreadSanitizer sees that way. On XFS a
  # guest on vcow asks the same of it; what clones and shares data there, the other rooms' tests run.
  list(APPEND left_out */passthrough BothWays*/xfs StressOn*/xfs KilledWorkersOn*/xfs *VunifyCowOn*/xfs *UserLimits*/xfs)
endif()
list(JOIN left_out : left_out)

# The rooms whose code runs in several threads are all that ThreadSanitizer is for.
function(is_sanitized subject answer)
  set(threaded survey change account hashindex unify fuse clone move)
  if(VUNIFY_SANITIZE STREQUAL "thread" AND NOT subject IN_LIST threaded)
    set(${answer} FALSE PARENT_SCOPE)
  else()
    set(${answer} TRUE PARENT_SCOPE)
  endif()
endfunction()

# A part has the tests of three files or so.
function(run_in_parts subject)
  get_target_property(sources ${subject}_test SOURCES)
  list(LENGTH sources files)
  math(EXPR parts "(${files} + 2) / 3")
  math(EXPR last "${parts} - 1")
  foreach(part RANGE ${last})
    add_test(NAME ${subject}-${part} COMMAND ${subject}_test --gtest_filter=-${left_out}:${alone})
    set_tests_properties(${subject}-${part} PROPERTIES TIMEOUT 1800
      ENVIRONMENT "GTEST_TOTAL_SHARDS=${parts};GTEST_SHARD_INDEX=${part}")
  endforeach()
  add_test(NAME ${subject}-alone COMMAND ${subject}_test --gtest_filter=${alone}-${left_out})
  set_tests_properties(${subject}-alone PROPERTIES TIMEOUT 1800 ${runs_alone})
endfunction()
