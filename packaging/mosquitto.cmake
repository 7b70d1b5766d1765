# The package mqttc-mosquitto: Mosquitto's names as links to our programs. Debian's packages mosquitto-clients and mosquitto
# have the same files: dpkg-divert renames those while mqttc-mosquitto is installed, so that all can be installed together.
set(mosquitto ${deb}/mosquitto)
file(REMOVE_RECURSE ${mosquitto})
set(divert "dpkg-divert --package mqttc-mosquitto")
set(add "")
set(remove "")
foreach(name pub sub rr passwd)
  set(own mqtt_${name})
  if(name STREQUAL rr)
    set(own mqtt_pub)  # --request
  endif()
  set(old mosquitto_${name})
  foreach(directory bin man bash fish zsh)
    file(MAKE_DIRECTORY ${mosquitto}/${directory})
  endforeach()
  file(CREATE_LINK ${own} ${mosquitto}/bin/${old} SYMBOLIC)
  file(CREATE_LINK ${own}.1.gz ${mosquitto}/man/${old}.1.gz SYMBOLIC)
  file(WRITE ${mosquitto}/bash/${old} ". \"\${BASH_SOURCE[0]%/*}/${own}\" && complete -F _${own} ${old}\n")
  file(WRITE ${mosquitto}/fish/${old}.fish "complete -c ${old} -w ${own}\n")
  file(WRITE ${mosquitto}/zsh/_${old} "#compdef ${old}\n_${own} \"$@\"\n")
  foreach(file /usr/bin/${old} /usr/share/man/man1/${old}.1.gz)
    string(REPLACE ${old} ${old}.distrib renamed ${file})
    string(APPEND add "    ${divert} --add --rename --divert ${renamed} ${file}\n")
    string(APPEND remove "    ${divert} --remove --rename --divert ${renamed} ${file}\n")
  endforeach()
endforeach()
install(DIRECTORY ${mosquitto}/bin/ DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT mqttc-mosquitto EXCLUDE_FROM_ALL)
install(DIRECTORY ${mosquitto}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT mqttc-mosquitto EXCLUDE_FROM_ALL)
foreach(shell bash-completion/completions=bash fish/vendor_completions.d=fish zsh/vendor-completions=zsh)
  string(REGEX MATCH "(.*)=(.*)" matched ${shell})
  install(DIRECTORY ${mosquitto}/${CMAKE_MATCH_2}/ DESTINATION ${CMAKE_INSTALL_DATADIR}/${CMAKE_MATCH_1}
    COMPONENT mqttc-mosquitto EXCLUDE_FROM_ALL)
endforeach()

file(WRITE ${mosquitto}/preinst "#!/bin/sh
# Renames the files of Mosquitto's packages.
set -e
case $1 in install | upgrade)
${add}    ;;
esac
")
file(WRITE ${mosquitto}/postrm "#!/bin/sh
# Gives the files of Mosquitto's packages their names back.
set -e
case $1 in remove | abort-install | disappear)
${remove}    ;;
esac
")
file(CHMOD ${mosquitto}/preinst ${mosquitto}/postrm FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ
  GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

mqttc_package(mqttc-mosquitto net "publish and subscribe with MQTT by the names of Mosquitto's programs
Links named mosquitto_pub, mosquitto_sub, mosquitto_rr and mosquitto_passwd to
mqtt_pub, mqtt_sub and mqtt_passwd, for scripts that cannot be changed. Called
by these names, the programs read Mosquitto's configuration files and answer
with its exit codes.

Debian's mosquitto-clients and mosquitto can be installed, too: while this
package is installed, their programs are mosquitto_pub.distrib and so on."
  ARCHITECTURE all
  DEPENDS "mqttc-clients ${version}"
  PROVIDES mosquitto-clients
  CONTROL_STRICT_PERMISSION TRUE)
set(CPACK_DEBIAN_MQTTC-MOSQUITTO_PACKAGE_CONTROL_EXTRA ${mosquitto}/preinst ${mosquitto}/postrm)
