/* SPDX-License-Identifier: MIT */
/* docker-credential-valetkey whole: tests/fuzz/whole.h. */
#include "helpers/docker-credential-valetkey.c"
