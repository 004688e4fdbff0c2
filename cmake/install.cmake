# What `make install` puts where. Pages, schemas, examples and units are what
# their folders hold.
include(GNUInstallDirs)
set(DERPKIT_UNIT_FOLDER lib/systemd/system CACHE STRING
	"Where systemd units are installed, below the prefix or absolute")

install(TARGETS derper derpmap derpverify)
install(FILES README.md README.zh-CN.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/docs
	FILES_MATCHING PATTERN "*.md" PATTERN img EXCLUDE)
install(DIRECTORY schemas/ DESTINATION ${CMAKE_INSTALL_DATADIR}/derpkit/schemas)
install(DIRECTORY examples/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)

foreach(section RANGE 1 8)
	file(GLOB pages CONFIGURE_DEPENDS man/*.${section})
	install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()

# Units name the programs as a Debian package has them, so that systemd-analyze
# can check them where they are; what is installed names them as installed.
string(REPLACE " " "\\\\x20" unit_binaries "${CMAKE_INSTALL_FULL_BINDIR}")
file(GLOB units CONFIGURE_DEPENDS systemd/*.service systemd/*.socket
	systemd/*.timer)
foreach(unit ${units})
	get_filename_component(name ${unit} NAME)
	set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${unit})
	file(READ ${unit} text)
	string(REGEX REPLACE "/usr/bin/(derper|derpmap|derpverify)"
		"${unit_binaries}/\\1" text "${text}")
	file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/systemd/${name} CONTENT
		"${text}" @ONLY)
	install(FILES ${CMAKE_BINARY_DIR}/systemd/${name}
		DESTINATION ${DERPKIT_UNIT_FOLDER})
endforeach()

# Accounts, and what the kernel should be told, for systemd to read.
foreach(kind sysusers sysctl)
	file(GLOB files CONFIGURE_DEPENDS systemd/*.${kind})
	foreach(file ${files})
		get_filename_component(name ${file} NAME_WE)
		if(kind STREQUAL "sysctl")
			# before what an administrator sets
			string(PREPEND name "10-")
		endif()
		install(FILES ${file} RENAME ${name}.conf
			DESTINATION lib/${kind}.d)
	endforeach()
endforeach()
# Variables of units, to be put into /etc/default.
file(GLOB defaults CONFIGURE_DEPENDS systemd/*.default)
install(FILES ${defaults} DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)
