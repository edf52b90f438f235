/* SPDX-License-Identifier: MIT */
/* trivial KEY: what any program costs that request-key(8) runs. */
#include <keyutils.h>
#include <stdlib.h>

int
main(int argc, char **argv)
{
    key_serial_t key = argc > 1 ? (key_serial_t)strtol(argv[1], NULL, 10) : 0;

    if (keyctl_assume_authority(key) < 0)
        return 1;
    return keyctl_instantiate(key, "x", 1, 0) == 0 ? 0 : 1;
}
