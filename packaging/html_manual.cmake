# Run when the package mqttc-doc is made: writes the manual pages in ${manuals} as HTML, with an index, to ${html}.
find_program(mandoc mandoc REQUIRED)
file(GLOB pages RELATIVE ${manuals} ${manuals}/*.[1-8])
file(MAKE_DIRECTORY ${html})
file(COPY ${CMAKE_CURRENT_LIST_DIR}/manual.css DESTINATION ${html})
set(rows "")
# mandoc links to the pages that it finds in its working directory; others are Debian's.
foreach(page IN LISTS pages)
  execute_process(COMMAND ${mandoc} -T html
    -O "style=manual.css,toc,man=%N.%S.html\;https://manpages.debian.org/bookworm/%N.%S" ${manuals}/${page}
    WORKING_DIRECTORY ${manuals} OUTPUT_FILE ${html}/${page}.html COMMAND_ERROR_IS_FATAL ANY)
  file(STRINGS ${manuals}/${page} about REGEX "^\\.Nd " LIMIT_COUNT 1)
  string(REGEX REPLACE "^\\.Nd " "" about "${about}")
  string(REGEX REPLACE "^(.*)\\.([1-8])$" "\\1(\\2)" name ${page})
  string(APPEND rows "<dt><a href=\"${page}.html\">${name}</a></dt><dd>${about}</dd>\n")
endforeach()
file(WRITE ${html}/index.html "<!DOCTYPE html>
<html lang=\"en\">
<head><meta charset=\"utf-8\"/><title>mqttc manual</title><link rel=\"stylesheet\" href=\"manual.css\"/></head>
<body><h1>mqttc manual</h1>
<dl>
${rows}</dl>
</body>
</html>
")
