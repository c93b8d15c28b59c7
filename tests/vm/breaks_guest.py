# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In a machine: breaks the remedies as /root/oom/plan.json says, one boot for each batch of rows, on its own.

At each boot it asks what verify claims and what is true, undoes the breaks, applies the remedies, makes the next
breaks, asks again, and reboots. What it found goes to the console as lines of BREAKS and JSON. Everything happens in
the one process of each boot, as each costs seconds in an emulated machine. A remedy that refuses is a claim of the
state ``failed``.
"""

import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from ansible_collections.oom.rescue.plugins.module_utils._node.errors import RescueError  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._node.host import Host  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._score import apply as score  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._score import options as score_options  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._swap import apply as swap  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._swap import options as swap_options  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._swappiness import apply as swappiness  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._swappiness import facts as swappiness_facts  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._swappiness import options as swappiness_options  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._verdict.claims import judge  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent
STATE = ROOT / 'state.json'
PLAN = json.loads((ROOT / 'plan.json').read_text())
VALUE, SCORE = 10, PLAN['score']
_WORST = ('failed', 'false', 'open', 'cannot', 'held')


def _with(spec, **given):
    return dict({name: one.get('default') for name, one in spec.items()}, **given)


def _swap(wish, check):
    options = _with(swap_options.OPTIONS, **dict({'size': '16M', 'reserve': '8M'}, **wish))
    return {'swap': swap.swap_file(Host(), options, check, lambda text: None)}


def _swappiness(_wish, check):
    # The override that the playbooks have.
    options = _with(swappiness_options.OPTIONS, value=VALUE, conflicts='report' if check else 'override')
    result = swappiness.converge(Host(), options, check)
    return {'swappiness': result, 'swappiness_value': VALUE}


def _score(unit, check):
    options = _with(score_options.OPTIONS, unit=[unit], value=str(SCORE), allow_missing=False)
    return {'oom_protect': score.converge(Host(), options, check)}


def _claim(of, wish, check):
    try:
        given = of(wish, check)
        if not check:
            return None
        found = judge({'swappiness': swappiness_facts.provenance(Host())}, **given)['claims']
    except RescueError as error:
        return {'state': 'failed', 'now': None, 'after_reboot': None, 'detail': str(error)}
    return min(found, key=lambda claim: _WORST.index(claim['state']))


def claims(asked, check=True):
    """{slot: claim}; with ``check`` false the remedies are applied, and a claim is None or a refusal."""
    found = {wish['path']: _claim(_swap, wish, check) for wish in asked['swap']}
    found['swappiness'] = _claim(_swappiness, None, check)
    found.update((unit, _claim(_score, unit, check)) for unit in asked['servers'])
    return found


def _is_on(path):
    try:
        wanted = os.stat(path)
    except OSError:
        return False
    for line in pathlib.Path('/proc/swaps').read_text().splitlines()[1:]:
        try:
            found = os.stat(line.split()[0])
        except OSError:
            continue
        if (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino):
            return True
    return False


def _has_score(unit):
    done = subprocess.run(['systemctl', 'show', '-p', 'MainPID', '--value', unit], stdout=subprocess.PIPE, text=True,
                          check=False)
    try:
        found = int(pathlib.Path('/proc/%d/oom_score_adj' % int(done.stdout)).read_text())
    except (OSError, ValueError):
        return False
    return found == SCORE or found < SCORE < 0


def truth(asked):
    """{slot: whether it is so now}."""
    found = {wish['path']: _is_on(wish['path']) for wish in asked['swap']}
    found['swappiness'] = pathlib.Path('/proc/sys/vm/swappiness').read_text().strip() == str(VALUE)
    found.update((unit, _has_score(unit)) for unit in asked['servers'])
    return found


def _ask(slots, check=True):
    """{slot: {claim, truth}} of {swap, servers}; with ``check`` false after the remedies were applied."""
    refused = {} if check else claims(slots, check=False)
    found, now = claims(slots), truth(slots)
    return {slot: {'claim': refused.get(slot) or found[slot], 'truth': now[slot]} for slot in found}


def _shell(text):
    subprocess.run(['bash', '-s'], input=text, text=True, check=False)


def _tell(what):
    with open(PLAN['console'], 'a') as console:
        console.write('\nBREAKS %s\n' % json.dumps(what))


def main():
    plan, state = PLAN, json.loads(STATE.read_text()) if STATE.exists() else None
    _shell(plan['settled'])
    done = 0
    if state:
        batch, done = plan['batches'][state['batch']], state['batch'] + 1
        booted = _ask(batch['slots'])
        _shell(batch['undo'])
    mended = None
    if done < len(plan['batches']) or state:
        _shell(plan['begin'])
        # What was broken has to hold again, and what is broken next has to hold.
        slots = [each['slots'] for each in plan['batches'][max(0, done - 1):done + 1]]
        mended = _ask({name: list({json.dumps(slot): slot for one in slots for slot in one[name]}.values())
                       for name in ('swap', 'servers')}, check=False)
    if state:
        _tell({'batch': state['batch'], 'before': state['before'], 'broken': state['broken'], 'booted': booted,
               'mended': mended})
    if done == len(plan['batches']):
        _tell({'batch': None})
        return
    batch = plan['batches'][done]
    _shell(batch['how'])
    STATE.write_text(json.dumps({'batch': done, 'before': mended, 'broken': _ask(batch['slots'])}))
    os.sync()
    subprocess.run(PLAN['reboot'], check=True)


if __name__ == '__main__':
    main()
