# The test cases that a cross build excludes because of the emulator (qemu-user), by the beginning of their names.

# A limit on the memory of a program would be one on the emulator.
set(except_unit_client "without memory there is no room")
set(except_e2e_delivery "without memory for a message" "address space that ends anywhere")
set(except_cli_passwd "a password that cannot be checked")

# /proc shows the arguments and the signals of the emulator.
set(except_unit_net "the thread takes no signals away")
set(except_e2e_pub "the password is not visible in")
list(APPEND except_cli_passwd "a password on the command line is soon")

# It prints on stderr which signal ended the program.
set(except_cli_passwd_crash "a signal while -U hashes")
