# What an installed vunify has beside its programs, and the Debian package (./dev deb). Paths are those of Debian 12.

# install_compressed(SOURCE DIRECTORY NAME): as NAME.gz, the same for the same source.
function(install_compressed source directory name)
  set(compressed ${CMAKE_BINARY_DIR}/compressed/${name}.gz)
  add_custom_command(OUTPUT ${compressed} DEPENDS ${source}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/compressed
    COMMAND gzip -9nc ${source} >${compressed})
  set_property(GLOBAL APPEND PROPERTY compressed ${compressed})
  install(FILES ${compressed} DESTINATION ${directory})
endfunction()

foreach(helper ${mount_helpers})
  install(PROGRAMS ${CMAKE_BINARY_DIR}/bin/${helper} DESTINATION /sbin)
  file(WRITE ${CMAKE_BINARY_DIR}/generated/${helper}.8 ".so man8/vcow.8\n")
  install_compressed(${CMAKE_BINARY_DIR}/generated/${helper}.8 ${CMAKE_INSTALL_MANDIR}/man8 ${helper}.8)
endforeach()
foreach(program ${programs})
  install(FILES packaging/completion/vunify DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME ${program})
endforeach()
install(FILES packaging/systemd/vunify.service packaging/systemd/vunify.timer packaging/systemd/vfleet.service
  packaging/systemd/vcow.service packaging/systemd/vcow@.service packaging/systemd/vguard.service
  DESTINATION /lib/systemd/system)
install(FILES packaging/tmpfiles.conf DESTINATION /usr/lib/tmpfiles.d RENAME vunify.conf)
install(FILES packaging/cron.d DESTINATION /etc/cron.d RENAME vunify)
install(FILES packaging/debian/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES packaging/debian/lintian-overrides DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides RENAME vunify)
install(FILES README.md DESIGN.md docs/security.md docs/operations.md docs/differences.md docs/guests.md docs/fleet.md docs/providers.md docs/containers.md docs/from-util-vserver.md
  DESTINATION ${CMAKE_INSTALL_DOCDIR})
install_compressed(${PROJECT_SOURCE_DIR}/CHANGELOG.md ${CMAKE_INSTALL_DOCDIR} changelog)
configure_file(packaging/debian/changelog.in ${CMAKE_BINARY_DIR}/generated/changelog.Debian @ONLY)
install_compressed(${CMAKE_BINARY_DIR}/generated/changelog.Debian ${CMAKE_INSTALL_DOCDIR} changelog.Debian)

# All that is installed has to be built before; tests and benchmarks need not be.
get_property(compressed GLOBAL PROPERTY compressed)
add_custom_target(installed ALL DEPENDS ${compressed})
add_dependencies(installed man_pages ${programs})
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY TRUE)

set(CPACK_GENERATOR DEB)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_CONTACT "vunify maintainers <maintainers@users.noreply.b-seed-8c0cebff.example>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "make equal files of many guests one inode, safely")
set(CPACK_PACKAGE_DESCRIPTION "Guests of one host (containers, chroots, Linux-VServers) are mostly the same
files. vunify finds those that are equal, proves them equal byte for byte, and
makes them one inode, or one extent on XFS and btrfs, so that the disk and the
page cache hold each once. What is shared is protected: no guest can change it
for another. All of it can be taken back.

vcow shows a guest its root, and gives it a file of its own at the first write.
setattr, showattr, chxid and lsxid are those of util-vserver.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "bash-completion")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(scripts ${PROJECT_SOURCE_DIR}/packaging/debian)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${scripts}/conffiles ${scripts}/postinst ${scripts}/prerm ${scripts}/postrm)
include(CPack)
