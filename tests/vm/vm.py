#!/usr/bin/env python
# Copyright (c) OOM Rescue maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual machines for tests, from the command line: README.md beside this file shows how."""

import argparse
import json
import os
import sys

import machine as machines
from image import Image, Tree, VmError, read_spec
from machine import Machine


def _pairs(values):
    return dict(value.split('=', 1)[::-1] for value in values)


def _image(options):
    if options.spec:
        return read_spec(options.spec, options.suite)
    trees = {}
    for value in options.tree:
        guest, spec = value.split('=', 1)
        suite, _colon, packages = spec.partition(':')
        trees[guest] = Tree(suite, packages.split(','))
    return Image(options.suite or 'bookworm', [name for name in options.packages.split(',') if name],
                 options.aptopt, _pairs(options.file), trees, options.provision, options.size)


def build(options):
    print(_image(options).build(machines._boot_to_provision))


def up(options):
    guest = Machine(options.name, _image(options), options.memory, options.smp, options.port, options.until,
                    options.lifetime, options.append)
    guest.up()
    print(json.dumps({options.name: guest.inventory()}, indent=1))


def start(options):
    guest = Machine(options.name)
    guest.settings['until'] = options.until
    guest.start()


def ssh(options):
    guest = Machine(options.name)
    argv = guest.ssh_command(' '.join(options.argv))
    os.execvp(argv[0], argv)


def down(options):
    for guest in machines.machines():
        if options.all or guest.name in options.name:
            guest.down()


def show(_options):
    for guest in machines.machines():
        print(guest.name, 'pid %s' % guest.pid if guest.pid else 'off', 'port %s' % guest.port,
              '%s MB' % guest.settings['memory'], guest.settings['image'])


def inventory(options):
    hosts = {name: Machine(name).inventory() for name in options.name}
    print(json.dumps({'all': {'hosts': hosts}}, indent=1))


def _of_image(parser):
    parser.add_argument('--spec', help='YAML file that describes the image')
    parser.add_argument('--suite', help='Debian suite (bookworm)')
    parser.add_argument('--packages', default='', help='comma-separated')
    parser.add_argument('--aptopt', action='append', default=[])
    parser.add_argument('--file', action='append', default=[], metavar='HOST=GUEST', help='a file to put into it')
    parser.add_argument('--tree', action='append', default=[], metavar='GUEST=SUITE:PACKAGES',
                        help='a container file system to put into it: a tar where GUEST ends in .tar')
    parser.add_argument('--provision', action='append', default=[], metavar='SCRIPT', help='run once, at build time')
    parser.add_argument('--size', default='8G')


def main():
    parser = argparse.ArgumentParser(prog='vm.py', description=__doc__)
    commands = parser.add_subparsers(dest='command', required=True)

    def command(name, action, text):
        sub = commands.add_parser(name, help=text)
        sub.set_defaults(action=action)
        return sub

    _of_image(command('build', build, 'build an image, or find it; prints its directory'))
    sub = command('up', up, 'boot a new machine and wait for ssh; prints its inventory')
    sub.add_argument('name')
    _of_image(sub)
    sub.add_argument('--memory', type=int, default=1024, help='MB; 1024 is the 262014 pages of a small cloud host')
    sub.add_argument('--smp', type=int, default=2)
    sub.add_argument('--port', type=int, default=0, help='of ssh on 127.0.0.1; 0: a free one')
    sub.add_argument('--append', default='', help='more for the kernel command line')
    sub.add_argument('--until', type=int, default=0, metavar='PID', help='end the machine with this process')
    sub.add_argument('--lifetime', type=int, default=7200, metavar='SECONDS', help='end the machine after this time')
    sub = command('start', start, 'boot a machine that is off, on its disk as it is')
    sub.add_argument('name')
    sub.add_argument('--until', type=int, default=0, metavar='PID')
    sub = command('ssh', ssh, 'run a command in it, or open a shell')
    sub.add_argument('name')
    sub.add_argument('argv', nargs=argparse.REMAINDER)
    sub = command('put', lambda options: Machine(options.name).put(options.source, options.target), 'copy into it')
    sub.add_argument('name')
    sub.add_argument('source')
    sub.add_argument('target')
    command('reboot', lambda options: Machine(options.name).reboot(), 'reboot from inside, wait for ssh'
            ).add_argument('name')
    command('crash', lambda options: Machine(options.name).crash(), 'pull the plug, keep the disk').add_argument('name')
    command('console', lambda options: print(Machine(options.name).tail(1000)), 'show the console').add_argument('name')
    sub = command('down', down, 'end machines and remove what is left of them')
    sub.add_argument('name', nargs='*')
    sub.add_argument('--all', action='store_true')
    command('list', show, 'the machines there are')
    command('inventory', inventory, 'an Ansible inventory of machines').add_argument('name', nargs='+')
    options = parser.parse_args()
    try:
        options.action(options)
    except VmError as error:
        sys.exit('vm.py: %s' % error)


if __name__ == '__main__':
    main()
