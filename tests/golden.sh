#!/bin/sh
# SPDX-License-Identifier: MIT
exec "${PYTHON:?}" -B "${srcdir:?}/tests/golden/run.py" --build .
