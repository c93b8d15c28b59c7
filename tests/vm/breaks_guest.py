# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In a machine: breaks the remedies as /root/oom/plan.json says, one boot for each batch of rows, on its own.

At each boot it asks what verify claims and what is true, undoes the breaks, applies the remedies, makes the next
breaks, asks again, and reboots. What it found goes to the console as lines of BREAKS and JSON. Everything happens in
the one process of each boot, as each costs seconds in an emulated machine. A remedy that refuses is a claim of the
state ``failed``.
"""

import glob
import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from ansible_collections.oom.rescue.plugins.module_utils._files.errors import RescueError  # noqa: E402
from ansible_collections.oom.rescue.plugins.module_utils._files.host import Host  # noqa: E402
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


class OfOneMoment(Host):
    """A Host for what is asked at one moment: what the boot's files say is worked out once for all claims."""

    def __init__(self):
        super().__init__()
        self._known = {}

    def once(self, key, function):
        if key not in self._known:
            self._known[key] = function()
        return self._known[key]


def _with(spec, **given):
    return dict({name: one.get('default') for name, one in spec.items()}, **given)


def _swap(host, wish, check):
    options = _with(swap_options.OPTIONS, **dict({'size': '16M', 'reserve': '8M'}, **wish))
    return {'swap': swap.swap_file(host, options, check, lambda text: None)}


def _swappiness(host, _wish, check):
    # The override that the playbooks have.
    options = _with(swappiness_options.OPTIONS, value=VALUE, conflicts='report' if check else 'override')
    result = swappiness.converge(host, options, check)
    return {'swappiness': result, 'swappiness_value': VALUE}


def _score(host, name, check):
    options = _with(score_options.OPTIONS, value=str(SCORE), allow_missing=False, **{PLAN['by']: [name]})
    return {'oom_protect': score.converge(host, options, check)}


def _claim(host, of, wish):
    try:
        given = of(host, wish, True)
        found = judge({'swappiness': swappiness_facts.provenance(host)}, **given)['claims']
    except RescueError as error:
        return _failed(error)
    return min(found, key=lambda claim: _WORST.index(claim['state']))


def _failed(error):
    return {'state': 'failed', 'now': None, 'after_reboot': None, 'detail': str(error)}


def _wishes(asked):
    """{slot: (its remedy, what it is asked for)}."""
    found = {wish['path']: (_swap, wish) for wish in asked['swap']}
    found['swappiness'] = (_swappiness, None)
    found.update((name, (_score, name)) for name in asked['servers'])
    return found


def claims(asked):
    """{slot: claim}."""
    host = OfOneMoment()
    return {slot: _claim(host, of, wish) for slot, (of, wish) in _wishes(asked).items()}


def apply(asked, found):
    """Apply the remedies whose claims do not hold; {slot: claim} of those that refuse."""
    refused = {}
    for slot, (of, wish) in _wishes(asked).items():
        if found[slot]['state'] != 'held':
            try:
                of(Host(), wish, False)
            except RescueError as error:
                refused[slot] = _failed(error)
    return refused


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


def _pid_of(name):
    """The pid of a unit's main process or of a program, as text; '' without one."""
    if PLAN['by'] == 'process':
        return next((path.split('/')[2] for path in glob.glob('/proc/[0-9]*/exe')
                     if os.path.exists(path) and os.path.basename(os.readlink(path)) == name), '')
    return subprocess.run(['systemctl', 'show', '-p', 'MainPID', '--value', name], stdout=subprocess.PIPE, text=True,
                          check=False).stdout.strip()


def _has_score(name):
    try:
        found = int(pathlib.Path('/proc/%s/oom_score_adj' % _pid_of(name)).read_text())
    except (OSError, ValueError):
        return False
    return found == SCORE or found < SCORE < 0


def truth(asked):
    """{slot: whether it is so now}."""
    found = {wish['path']: _is_on(wish['path']) for wish in asked['swap']}
    found['swappiness'] = pathlib.Path('/proc/sys/vm/swappiness').read_text().strip() == str(VALUE)
    found.update((unit, _has_score(unit)) for unit in asked['servers'])
    return found


def _ask(slots):
    """{slot: {claim, truth}} of {swap, servers}."""
    found, now = claims(slots), truth(slots)
    return {slot: {'claim': found[slot], 'truth': now[slot]} for slot in found}


def _mend(slots):
    """The same after the remedies were applied; the claim of one that refused says so."""
    refused = apply(slots, claims(slots))
    return {slot: dict(each, claim=refused.get(slot) or each['claim']) for slot, each in _ask(slots).items()}


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
        mended = _mend({name: list({json.dumps(slot): slot for one in slots for slot in one[name]}.values())
                       for name in ('swap', 'servers')})
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
    subprocess.run(plan['reboot'], check=True)


if __name__ == '__main__':
    main()
