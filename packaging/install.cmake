# Installs manual pages and completions where Debian's programs look for them.
file(GLOB manuals CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/man/*.[1-8])
foreach(manual IN LISTS manuals)
  string(REGEX MATCH "[1-8]$" section ${manual})
  set(component mqttc-clients)
  if(section EQUAL 3)
    set(component libmqttc-dev)
  endif()
  install(FILES ${manual} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section} COMPONENT ${component})
endforeach()
install(DIRECTORY completions/bash/ DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
  COMPONENT mqttc-clients)
install(DIRECTORY completions/fish/ DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d
  COMPONENT mqttc-clients)
install(DIRECTORY completions/zsh/ DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions
  COMPONENT mqttc-clients)
# The manual as HTML, for the packages only.
install(CODE "set(manuals ${CMAKE_CURRENT_SOURCE_DIR}/man)
  set(html \$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}/doc/mqttc-doc/html)
  include(${CMAKE_CURRENT_LIST_DIR}/html_manual.cmake)"
  COMPONENT mqttc-doc EXCLUDE_FROM_ALL)
