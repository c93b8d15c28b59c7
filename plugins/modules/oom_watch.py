#!/usr/bin/python

# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: oom_watch
short_description: Have a host tell of what is killed or refused for want of memory
description:
  - Installs C(oom-rescue.pyz) for root, and what starts it, a systemd path and timer unit, or a line of cron.
  - A run looks whether something happened since the last, reads the logs only then, and tells each new incident once,
    whoever acted, in the journal, to node_exporter's textfile collector and to the hooks.
  - There is no daemon. What was there before is kept in C(/var/lib/oom-rescue), so that O(state=absent) brings it back
    byte for byte.
version_added: 0.1.0
author:
  - OOM Rescue maintainers (@oom-rescue)
attributes:
  action:
    description: Makes the program on the controller and sends it; the module on the node does the rest.
    support: full
  check_mode:
    description: Can run in check mode and say what it would change.
    support: full
  diff_mode:
    description: Shows the units. Of the program, the configuration and the secrets it shows one line.
    support: partial
options:
  state:
    description: V(present) has the host watched; V(absent) takes all of it away.
    type: str
    choices: [present, absent]
    default: present
  hooks:
    description:
      - Whom to tell beside the journal. Each is tried for a day until it takes a message, and given twenty seconds.
      - A message is told once. After a crash within the delivery it is told again under the same C(id).
    type: list
    elements: dict
    default: []
    suboptions:
      kind:
        description:
          - V(webhook) sends the message as JSON by POST; V(slack) and V(wecom) send what these take.
          - V(mail) hands it to C(sendmail). V(command) runs a program with JSON on its standard input, without a shell.
        type: str
        choices: [webhook, slack, wecom, mail, command]
        required: true
      url:
        description: Where to send it.
        type: str
      url_secret:
        description: The name in O(secrets) of the address, where that is itself a secret.
        type: str
      bearer_secret:
        description: The name in O(secrets) of a token for the header C(Authorization).
        type: str
      to:
        description: The address of a mail.
        type: str
      from:
        description: The sender of a mail; C(root) without it.
        type: str
      argv:
        description: The program and its arguments.
        type: list
        elements: str
  secrets:
    description:
      - What hooks name, by name. It is written to C(/etc/oom-rescue/watch-secrets.json), which root alone reads.
      - Without it a file that is there stays; an empty one removes it.
    type: dict
  limit:
    description: Messages an hour at most; the others are counted, and the count is told when there is room again.
    type: int
    default: 6
  interval:
    description:
      - Seconds between two looks by the timer. A kill by the kernel is seen as it happens where there are cgroups of
        version 2. By cron it is always a minute.
    type: int
    default: 60
  textfiles:
    description:
      - The directory of node_exporter's textfile collector; V(auto) for Debian's and the usual one, if it is there;
        V(none) for no file.
    type: str
    default: auto
  src:
    description: The program on the node. The action plugin sets it.
    type: path
seealso:
  - module: oom.rescue.oom_log_info
"""

EXAMPLES = r"""
- name: Tell the journal and node_exporter
  oom.rescue.oom_watch:

- name: Tell a webhook whose address is a secret
  oom.rescue.oom_watch:
    hooks:
      - kind: slack
        url_secret: slack
    secrets:
      slack: "{{ vault_slack_url }}"

- name: Bring back what was there before
  oom.rescue.oom_watch:
    state: absent
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be, in order.
  type: list
  elements: dict
  returned: success
  contains:
    layer: {description: "C(file), C(unit) or C(memory).", type: str, returned: success}
    action: {description: What is done there in a word., type: str, returned: success}
    path: {description: The file., type: str, returned: for a file}
    unit: {description: The unit., type: str, returned: for a unit}
    detail: {description: The same in a line., type: str, returned: success}
skipped_reason:
  description: Why the host cannot be watched; V(null) if it can.
  type: str
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.oom.rescue.plugins.module_utils._files.errors import RescueError
from ansible_collections.oom.rescue.plugins.module_utils._files.host import to_native
from ansible_collections.oom.rescue.plugins.module_utils._files.reader import MOST_OF_RECORDS, read_file
from ansible_collections.oom.rescue.plugins.module_utils._node.module import run
from ansible_collections.oom.rescue.plugins.module_utils._watch.apply import converge


def program_of(path):
    """The text of the program that was sent; empty if none was."""
    return to_native(read_file(path, MOST_OF_RECORDS)) if path else ''


def answer(host, options, check_mode):
    """The module's result for its options. Raises RescueError, or OSError with a file's name."""
    for name, least in (('limit', 1), ('interval', 10)):
        if options[name] < least:
            raise RescueError('%s is {value}' % name, value=options[name], allowed='%d or more' % least)
    options['hooks'] = [dict((key, value) for key, value in hook.items() if value is not None)
                        for hook in options['hooks']]
    if options['state'] == 'present':
        options['program'] = program_of(options['src'])
        if not options['program']:
            raise RescueError('src is {value}', value=options['src'], allowed='the program on the node',
                              next_step='run the module by Ansible, which sends it')
    return converge(host, options, check_mode)


def main():
    module = AnsibleModule(
        argument_spec={
            'state': {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'},
            'hooks': {'type': 'list', 'elements': 'dict', 'default': [], 'options': {
                'kind': {'type': 'str', 'choices': ['webhook', 'slack', 'wecom', 'mail', 'command'], 'required': True},
                'url': {'type': 'str'},
                'url_secret': {'type': 'str', 'no_log': False},
                'bearer_secret': {'type': 'str', 'no_log': False},
                'to': {'type': 'str'},
                'from': {'type': 'str'},
                'argv': {'type': 'list', 'elements': 'str'},
            }},
            'secrets': {'type': 'dict', 'no_log': True},
            'limit': {'type': 'int', 'default': 6},
            'interval': {'type': 'int', 'default': 60},
            'textfiles': {'type': 'str', 'default': 'auto'},
            'src': {'type': 'path'},
        },
        supports_check_mode=True,
    )
    run(module, answer, only_root='have a host watched')


if __name__ == '__main__':
    main()
