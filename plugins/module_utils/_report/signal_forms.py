# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of everything except the kernel's reports that kills for memory, refuses memory, or looks like it.

A form is one line of one program. It says what the line alone proves: ``was_memory`` (yes, no, unknown), ``limit`` and
``actor``, in the words of a verdict. If a line tells its program, a form counts only in lines of its own programs. If a
line has several forms, the first counts.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

from .forms_of_ends import FORMS as _ENDS
from .forms_of_killers import FORMS as _KILLERS
from .forms_of_platforms import FORMS as _PLATFORMS
from .forms_of_refusals import FORMS as _REFUSALS

FORMS = _KILLERS + _PLATFORMS + _REFUSALS + _ENDS
