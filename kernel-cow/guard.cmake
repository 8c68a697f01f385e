# The guard's program (guard.bpf.c), compiled for BPF and written down as bytes: guard_object.inc, of which
# sys/guard_programs.cc is made. Any clang since 12 will do, whatever compiles all else.
pkg_check_modules(BPF REQUIRED IMPORTED_TARGET libbpf)
find_program(BPF_CLANG clang)
set(bpf_flags -target bpf -O2 -g -Wall -Wextra -Wno-unused-parameter -Werror -I/usr/include/${CMAKE_LIBRARY_ARCHITECTURE})
if(BPF_CLANG)
  execute_process(COMMAND ${BPF_CLANG} ${bpf_flags} -x c -c -o /dev/null /dev/null
    RESULT_VARIABLE bpf_failed OUTPUT_QUIET ERROR_QUIET)
endif()
if(NOT BPF_CLANG OR bpf_failed)
  message(FATAL_ERROR "kernel-cow/guard.bpf.c wants a clang that compiles for BPF, and here is none (clang -target bpf): "
    "apt-get install clang, or -DBPF_CLANG=PATH")
endif()

set(bpf_source ${PROJECT_SOURCE_DIR}/kernel-cow/guard.bpf.c)
set(bpf_object ${CMAKE_BINARY_DIR}/generated/guard.bpf.o)
set(guard_object ${CMAKE_BINARY_DIR}/generated/guard_object.inc)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/generated)
add_custom_command(OUTPUT ${guard_object} DEPENDS ${bpf_source} ${PROJECT_SOURCE_DIR}/kernel-cow/guard.h
  COMMAND ${BPF_CLANG} ${bpf_flags} -ffile-prefix-map=${PROJECT_SOURCE_DIR}=. -c ${bpf_source} -o ${bpf_object}
  COMMAND sh -c "od -An -v -tx1 \"$1\" | sed 's/ \\(..\\)/0x\\1,/g' >\"$2\"" sh ${bpf_object} ${guard_object}
  VERBATIM)
add_custom_target(guard_object DEPENDS ${guard_object})  # clang-tidy reads it, and builds nothing
add_dependencies(sys guard_object)
target_sources(sys PRIVATE ${guard_object})
target_include_directories(sys PRIVATE ${CMAKE_BINARY_DIR}/generated)
target_link_libraries(sys PUBLIC PkgConfig::BPF)
