# Run by CPack before it packs: Debian requires compressed manual pages.
file(GLOB_RECURSE manuals ${CPACK_TEMPORARY_DIRECTORY}/*.[1-8])
list(FILTER manuals INCLUDE REGEX "/share/man/man[1-8]/")
foreach(manual IN LISTS manuals)
  execute_process(COMMAND gzip -9 -n ${manual} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
