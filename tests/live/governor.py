# SPDX-License-Identifier: MIT
"""The governor's rules, with the real programs: see docs/governor.md."""

import governor_clocks
import governor_holds
import governor_lives
import governor_secrets
import governor_turns

GROUPS = [group
          for module in (governor_turns, governor_holds, governor_secrets,
                         governor_lives, governor_clocks)
          for group in module.GROUPS]
