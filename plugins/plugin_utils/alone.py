# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a remedy's role tells a person when no summary of a playbook does."""

from __future__ import annotations

_NO_SERVER = 'nothing to protect: no such process, and no unit of that name, on this host'


def unsaid(module, result, undone=False):
    """Sentences on why a remedy was not done in full, by its module's result; ``undone`` if it was to be taken back."""
    if result.get('failed') or result.get('skipped'):
        return []
    left = result.get('skipped_reason')
    if module != 'oom_score_adj':
        what = 'vm.swappiness was' if module == 'swappiness' else 'swap was'
        return ['%s left alone: %s' % (what, left)] if left else []
    nothing = [] if undone or result['found'] else [_NO_SERVER]
    later = [row['recreate_required'] for row in result['processes']]
    return list(dict.fromkeys(text for text in nothing + [left] + later if text))
