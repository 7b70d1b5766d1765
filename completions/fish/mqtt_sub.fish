# fish completion for mqtt_sub; the options shared with mqtt_pub stand in mqtt_pub.fish.
# tests/in_step/options_parity.py compares it with the programs.
source (status dirname)/mqtt_pub.fish

__mqttc_shared mqtt_sub
complete -c mqtt_sub -s t -l topic -x -d 'topic filter to subscribe to'
complete -c mqtt_sub -s U -l unsubscribe -x -d 'filter to unsubscribe'
complete -c mqtt_sub -s T -l filter-out -x -d "don't print matching topics"
complete -c mqtt_sub -s C -x -d 'end after so many messages'
complete -c mqtt_sub -s E -d 'end when subscribed'
complete -c mqtt_sub -s R -d "don't print retained messages"
complete -c mqtt_sub -l retained-only -d 'print retained messages only'
complete -c mqtt_sub -l remove-retained -d 'remove retained messages from the broker'
complete -c mqtt_sub -l dry-run -d 'only print what would be removed'
complete -c mqtt_sub -l retain-as-published -d 'keep the retain flag; selects MQTT 5'
complete -c mqtt_sub -l retain-handling -x -a 'always new never' -d 'retained messages at subscribe time; selects MQTT 5'
complete -c mqtt_sub -l no-local -d 'no messages of this client; selects MQTT 5'
complete -c mqtt_sub -l random-filter -x -d 'print a share of the messages'
complete -c mqtt_sub -l idle-timeout -x -d 'end after that time without a message'
complete -c mqtt_sub -s v -l verbose -d 'print topics'
complete -c mqtt_sub -s N -d 'no newline after each message'
complete -c mqtt_sub -s F -x -d 'what to print'
complete -c mqtt_sub -l pretty -d 'indent JSON'
complete -c mqtt_sub -l field -x -d 'field of a JSON payload'
complete -c mqtt_sub -l message-rate -d 'print messages a second'
complete -c mqtt_sub -s w -l watch -d 'each topic keeps its line'
complete -c mqtt_sub -l raw -d 'exact bytes also on a terminal'
complete -c mqtt_sub -l save -x -d 'each message into a file'
complete -c mqtt_sub -l exec -x -a '(__fish_complete_command)' -d 'run a command for each message'
complete -c mqtt_sub -l jobs -x -d 'commands at a time'
