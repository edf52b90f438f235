/* SPDX-License-Identifier: MIT */
/* git-credential-valetkey whole: tests/fuzz/whole.h. */
#include "base/buf.h"

/* A helper runs once and keeps its buffers; here each call has its own. */
#undef VK_STATIC_BUF
#define VK_STATIC_BUF(name, size) VK_AUTO_BUF name = VK_BUF(size)

#include "helpers/git-credential-valetkey.c"
