/* SPDX-License-Identifier: MIT */
/* valetkey-npm whole: tests/fuzz/whole.h. */
#include "helpers/valetkey-npm.c"
