# Writes OUT, a C file with the text that --version prints, when it is not what
# it was: cmake -DIN= -DOUT= -DSOURCE= -DVERSION= -DCOMMIT= -P version.cmake.
# The commit is COMMIT or, where that is empty, what git says of SOURCE, or what
# git has put into .commit as it made an archive.
set(commit "${COMMIT}")
if(NOT commit AND EXISTS "${SOURCE}/.git")
	execute_process(COMMAND git --no-optional-locks -C "${SOURCE}"
		rev-parse --short=12 HEAD
		OUTPUT_VARIABLE commit ERROR_QUIET
		OUTPUT_STRIP_TRAILING_WHITESPACE)
	execute_process(COMMAND git --no-optional-locks -C "${SOURCE}"
		status --porcelain --untracked-files=no
		OUTPUT_VARIABLE changes ERROR_QUIET)
	if(commit AND changes)
		string(APPEND commit "-dirty")
	endif()
endif()
if(NOT commit AND EXISTS "${SOURCE}/.commit")
	file(READ "${SOURCE}/.commit" said)
	if(said MATCHES "^([0-9a-f]+)(-dirty)?\n*$")
		string(SUBSTRING "${CMAKE_MATCH_1}" 0 12 commit)
		string(APPEND commit "${CMAKE_MATCH_2}")
	endif()
endif()
set(text "${VERSION}")
if(commit)
	string(APPEND text " (${commit})")
endif()
configure_file("${IN}" "${OUT}" @ONLY)
