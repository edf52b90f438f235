/* SPDX-License-Identifier: MIT */
/* cargo-credential-valetkey whole: tests/fuzz/whole.h. */
#include "helpers/cargo-credential-valetkey.c"
