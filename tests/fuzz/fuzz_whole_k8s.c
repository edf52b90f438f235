/* SPDX-License-Identifier: MIT */
/* valetkey-k8s whole: tests/fuzz/whole.h. */
#include "helpers/valetkey-k8s.c"
