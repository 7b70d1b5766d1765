# Installs manual pages and completions where Debian's programs look for them.
install(FILES man/mqtt_pub.1 man/mqtt_sub.1 man/mqtt_passwd.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1
  COMPONENT mqttc-clients)
install(FILES man/mqttc.3 DESTINATION ${CMAKE_INSTALL_MANDIR}/man3 COMPONENT libmqttc-dev)
install(DIRECTORY completions/bash/ DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
  COMPONENT mqttc-clients)
install(DIRECTORY completions/fish/ DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d
  COMPONENT mqttc-clients)
install(DIRECTORY completions/zsh/ DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions
  COMPONENT mqttc-clients)
