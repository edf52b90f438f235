/* SPDX-License-Identifier: MIT */
/* valetkey-bazel whole: tests/fuzz/whole.h. */
#include "helpers/valetkey-bazel.c"
