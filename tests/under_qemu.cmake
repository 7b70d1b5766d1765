# The test cases that a cross build leaves out, by the beginning of their names, because of the emulator (qemu-user).

# It puts no limit on the memory of a program without one on its own.
set(except_unit_client "without memory there is no room")
set(except_e2e_delivery "without memory for a message" "address space that ends anywhere")
set(except_cli_passwd "a password that cannot be checked")

# /proc tells of the emulator: its arguments, its signals.
set(except_unit_net "the thread takes no signals away")
set(except_e2e_pub "the password is not among the arguments")
list(APPEND except_cli_passwd "a password on the command line is soon")

# It says on stderr which signal ended the program.
set(except_cli_passwd_crash "a signal while -U hashes")
